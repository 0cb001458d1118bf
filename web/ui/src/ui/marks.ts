/** Colours and words for the quality marks of a session. */

const MARKS: Readonly<Record<string, readonly [colour: string, label: string]>> = {
  crossed: ["#ffd25c", "crossed book"],
  invalid: ["#ff8476", "no valid book"],
  gap: ["#c79bff", "gap in the data"],
  price_outlier: ["#ffa84c", "price unlike the last minute's"],
  spread_anomaly: ["#7ec8ff", "spread far beyond the usual"],
};
const OTHER = "#ff8476";

export function markColour(kind: string): string {
  return MARKS[kind]?.[0] ?? OTHER;
}

export function markLabel(kind: string): string {
  return MARKS[kind]?.[1] ?? kind;
}
