import type { ContainerId, NodeId, RequestId, TaskId } from './ids.ts';
import type { MemberRecord } from './member.ts';
import type { AgreedVersion } from './network.ts';
import type { RefusalReason } from './explain.ts';
import type { Resources } from './resources.ts';
import type { CoreError } from './errors.ts';

/** Past facts. The same stream feeds the log, the metrics, `events`, the dashboard and the simulator's checkers. */
export type Event =
  /** It is known for the first time, or back, or alive all the while and elsewhere now. */
  | { readonly kind: 'member-alive'; readonly member: MemberRecord; readonly first: boolean }
  | { readonly kind: 'member-suspect'; readonly nodeId: NodeId; readonly name: string }
  | { readonly kind: 'member-dead'; readonly nodeId: NodeId; readonly name: string }
  | { readonly kind: 'member-left'; readonly nodeId: NodeId; readonly name: string }
  /** A peer has a newer copy of the agreed state than this node was told it has. Once per version and peer. */
  | { readonly kind: 'agreed-newer'; readonly nodeId: NodeId; readonly version: AgreedVersion }
  | { readonly kind: 'refuted'; readonly incarnation: number }
  | { readonly kind: 'offer-published'; readonly region: string; readonly free: Resources }
  | { readonly kind: 'hold-made'; readonly requestId: RequestId; readonly buyer: NodeId; readonly resources: Resources }
  | { readonly kind: 'hold-released'; readonly requestId: RequestId; readonly why: 'launched' | 'cancelled' | 'expired' }
  | { readonly kind: 'reserve-refused'; readonly requestId: RequestId; readonly reason: RefusalReason }
  | {
      readonly kind: 'run-placed';
      readonly requestId: RequestId;
      readonly containerId: ContainerId;
      readonly supplier: NodeId;
      readonly tookMs: number;
      readonly messages: number;
    }
  | { readonly kind: 'run-refused'; readonly requestId: RequestId; readonly error: CoreError; readonly tookMs: number }
  | { readonly kind: 'container-created'; readonly containerId: ContainerId; readonly name: string; readonly resources: Resources }
  | { readonly kind: 'container-ready'; readonly containerId: ContainerId }
  | { readonly kind: 'task-started'; readonly containerId: ContainerId; readonly taskId: TaskId }
  | {
      readonly kind: 'task-exited';
      readonly containerId: ContainerId;
      readonly taskId: TaskId;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      readonly restartAfterMs: number | undefined;
    }
  | { readonly kind: 'task-paused' | 'task-unpaused'; readonly containerId: ContainerId; readonly taskId: TaskId }
  | { readonly kind: 'container-updated'; readonly containerId: ContainerId; readonly resources: Resources }
  | { readonly kind: 'task-failed'; readonly containerId: ContainerId; readonly taskId: TaskId; readonly error: string }
  /** It was never started, and holds nothing any more; its start asks for room anew. */
  | { readonly kind: 'room-given-back'; readonly containerId: ContainerId; readonly resources: Resources }
  | {
      readonly kind: 'container-renamed';
      readonly containerId: ContainerId;
      readonly from: string;
      readonly to: string;
      readonly why: string;
    }
  | { readonly kind: 'container-removed'; readonly containerId: ContainerId; readonly name: string };
