/** Numbers as they are shown. */

export const NONE = "–";

/** +0.25 or −0.25; a value that rounds to 0 has no sign, and no value is a dash. */
export function signed(value: number, digits: number): string {
  if (Number.isNaN(value)) return NONE;
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** "52 %", a dash for a share of nothing. */
export function share(part: number, whole: number): string {
  return whole > 0 ? `${Math.round((100 * part) / whole)} %` : NONE;
}
