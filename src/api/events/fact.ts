import type { EventMessage } from '../../docker-api/types.ts';

/** Something that happened on this node, in Docker's words (Engine API, SystemEvents). */
export interface Fact {
  readonly type: EventMessage['Type'];
  /** `exec_start: ls /`, `pull`, `mount` … */
  readonly action: string;
  /** Of the container, image or network; a volume's name; '' where it concerns none of them alone, as with `prune`. */
  readonly id: string;
  readonly attributes?: Readonly<Record<string, string>>;
}
