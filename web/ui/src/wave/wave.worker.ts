/** The reference solver in a worker: takes steps when asked and hands back what is seen. */

import type { Parameters, Shape } from "./parameters";
import { type Statistics, WaveSolver } from "./solver";

export type WaveRequest =
  | { type: "start"; columns: number }
  | { type: "parameters"; parameters: Parameters; shape: Shape }
  | { type: "restart" }
  | { type: "advance"; steps: number };

export interface WaveSnapshot {
  readonly statistics: Statistics;
  readonly step: number;
  /** [visible rows × columns], rows from the bottom. */
  readonly displacement: Float32Array;
  readonly intensity: Float32Array;
}

// The page's library types `self` as a window; only these members of a worker are used.
interface WorkerScope {
  onmessage: ((event: MessageEvent<WaveRequest>) => void) | null;
  postMessage(message: WaveSnapshot, transfer: Transferable[]): void;
}
const scope = self as unknown as WorkerScope;

let solver: WaveSolver | null = null;

scope.onmessage = ({ data }) => {
  if (data.type === "start") {
    solver = new WaveSolver(data.columns);
    return;
  }
  if (solver === null) return;
  if (data.type === "parameters") {
    solver.setParameters(data.parameters, data.shape);
    return;
  }
  if (data.type === "restart") solver.restart();
  else solver.advance(data.steps);
  const { columns, rows, pad } = solver.grid;
  const displacement = solver.u.slice(pad * columns, (rows - pad) * columns);
  const intensity = solver.intensity.slice(pad * columns, (rows - pad) * columns);
  scope.postMessage(
    { statistics: solver.statistics(), step: solver.step, displacement, intensity },
    [displacement.buffer, intensity.buffer],
  );
};
