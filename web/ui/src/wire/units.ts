/** Nominal number types: a tick is never a window index, nor a price. */

declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** Price in units of the session's tick; halves occur at mid prices. */
export type Tick = Unit<"Tick">;
/** Number of one-second windows since the session's first window end. Window j covers the second [j-1, j). */
export type WindowIndex = Unit<"WindowIndex">;
/** Generation of a stream: a seek, step or change of speed begins a new one. */
export type Epoch = Unit<"Epoch">;
/** Dollars. */
export type Price = Unit<"Price">;

export const asTick = (value: number): Tick => value as Tick;
export const asWindowIndex = (value: number): WindowIndex => value as WindowIndex;
export const asEpoch = (value: number): Epoch => value as Epoch;
export const asPrice = (value: number): Price => value as Price;
