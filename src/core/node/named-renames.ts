/**
 * A user's rename: the new name is claimed as a run claims its own, then written down, and by that registered; the
 * old name's registration is taken back in the same breath. A crash before the record leaves the old name, and
 * a claim that runs out by itself; after it, the new one: the old one's registration is of an earlier life.
 */
import { LIMITS, requestId } from '../model/index.ts';
import type { CommandId, Container, ContainerId, CoreError, NameHolder, NodeId, Turn } from '../model/index.ts';
import type { NameClaims } from '../discovery/names/name-claims.ts';
import type { Supplier } from '../supplier/supplier.ts';
import { nameTaken } from './name-taken.ts';
import { unsendable } from './unsendable.ts';

export interface NamedRenamesOptions {
  readonly claims: NameClaims;
  readonly supplier: Pick<Supplier, 'container' | 'rename'>;
  readonly nameOf: (id: NodeId) => string;
}

export class NamedRenames {
  readonly #options: NamedRenamesOptions;
  /** Containers that wait for a name. */
  readonly #underWay = new Set<ContainerId>();

  constructor(options: NamedRenamesOptions) {
    this.#options = options;
  }

  rename(turn: Turn, command: CommandId, containerId: ContainerId, name: string): void {
    const { claims, supplier, nameOf } = this.#options;
    const container = supplier.container(containerId);
    const error = this.#refusal(container, containerId, name);
    if (error !== undefined) return turn.reply(command, { ok: false, error });
    const claim = requestId(turn.random.hex(16));
    this.#underWay.add(containerId);
    claims.claim(turn, { requestId: claim, containerId, name }, (turn, holder) => {
      if (holder !== undefined) return this.#end(turn, command, containerId, nameTaken(name, holder, nameOf), holder);
      supplier.rename(turn, containerId, name, 'asked', (turn, error) => {
        if (error === undefined) {
          claims.outlived(claim);
          // Whoever doubts that it still has its first name is not to be told that this was claimed for it.
          if (container !== undefined) claims.outlived(container.request.id);
        } else claims.release(turn, claim);
        this.#end(turn, command, containerId, error, undefined);
      });
    });
  }

  #end(turn: Turn, command: CommandId, id: ContainerId, error: CoreError | undefined, holder: NameHolder | undefined): void {
    this.#underWay.delete(id);
    if (error === undefined) return turn.reply(command, { ok: true, kind: 'done' });
    turn.reply(command, { ok: false, error, ...(holder === undefined ? {} : { holder }) });
  }

  #refusal(container: Container | undefined, id: ContainerId, name: string): CoreError | undefined {
    const refusal = (code: CoreError['code'], message: string): CoreError => ({ code, message, changed: false });
    if (container === undefined) return refusal('no-such-container', `no container ${id} on this node`);
    if (container.name === name) {
      return refusal('invalid-request', `Renaming a container with the same name as its current name: it is called ${name} already`);
    }
    if (this.#underWay.has(id)) return refusal('wrong-state', `${container.name} is just being renamed: try again later`);
    if (this.#options.claims.underWay >= LIMITS.nameClaims) {
      return refusal('too-many-runs', `this node claims ${LIMITS.nameClaims} names already, the most it may; try again later`);
    }
    return unsendable([{ ...container.request, name }]);
  }
}
