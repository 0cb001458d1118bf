/** The scorecard of a session in one line: what was counted while its tables were made. */

import type { Counters, Scorecard } from "../wire/session";

/** Counters of one table that are added up, and their name to a person. */
interface Entry {
  readonly table: string;
  readonly label: string;
  readonly counts: (counter: string) => boolean;
  readonly unit?: string;
}

const named =
  (...names: readonly string[]) =>
  (counter: string): boolean =>
    names.includes(counter);

const ENTRIES: readonly Entry[] = [
  { table: "snap", label: "crossed", counts: named("crossed_seconds"), unit: " s" },
  { table: "snap", label: "price outliers", counts: named("flag_price_outlier") },
  { table: "snap", label: "wide spreads", counts: named("flag_spread_anomaly") },
  { table: "snap", label: "unknown ids", counts: named("unknown_ids") },
  { table: "snap", label: "late", counts: named("late_records") },
  { table: "records", label: "rejects", counts: named("rejects") },
  { table: "snap", label: "gaps", counts: named("gaps") },
];

/** Words of the scorecard, only of what was counted; "" when nothing was. */
export function qualityText(scorecard: Scorecard): string {
  const parts = [validShare(scorecard["snap"])];
  for (const { table, label, counts, unit } of ENTRIES) {
    const found = Object.entries(scorecard[table] ?? {}).filter(([name]) => counts(name));
    if (found.length === 0) continue;
    const total = found.reduce((sum, [, value]) => sum + Number(value ?? 0), 0);
    parts.push(`${label} ${total.toLocaleString("en-US")}${unit ?? ""}`);
  }
  return parts.filter((part) => part !== null).join(" · ");
}

/** Rounded downwards: 100 % is said of no session with an invalid second. */
function validShare(snap: Counters | undefined): string | null {
  const share = snap?.["valid_share"];
  return typeof share === "number" ? `valid ${String(Math.floor(1000 * share) / 10)} %` : null;
}
