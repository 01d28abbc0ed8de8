import { assert } from '../../lib/assert.ts';
import type { Command, Container, Request, Result, Turn } from '../model/index.ts';
import { TestInstance, room } from './test-instance.ts';
import type { TestNode } from './test-instance.ts';

/** A lone node and short words for what tests ask of it. */
export class OneNode {
  readonly instance = new TestInstance(5);
  readonly node: TestNode = this.instance.add(room(2, 512));

  constructor() {
    this.instance.run(1_000);
  }

  create(change: Partial<Request> = {}, amount = room(1, 256)): Request {
    const request = this.instance.request(amount, change);
    const result = this.ask({ kind: 'run', request, exclude: [] });
    assert(result.ok && result.kind === 'placed', `not placed: ${JSON.stringify(result)}`);
    return request;
  }

  started(change: Partial<Request> = {}): Request {
    const request = this.create(change);
    const result = this.start(request);
    assert(result.ok, `not started: ${JSON.stringify(result)}`);
    return request;
  }

  ask(command: Command): Result {
    return this.instance.ask(this.node, command);
  }

  start({ containerId }: Request): Result {
    return this.ask({ kind: 'start', containerId });
  }

  stop({ containerId }: Request): Result {
    return this.ask({ kind: 'stop', containerId, timeoutMs: undefined, signal: undefined });
  }

  kill({ containerId }: Request, signal: string): Result {
    return this.ask({ kind: 'kill', containerId, signal });
  }

  remove({ containerId }: Request, force = false): Result {
    return this.ask({ kind: 'remove', containerId, force });
  }

  exit({ containerId }: Request, code: number): void {
    this.instance.exit(this.node, containerId, code);
    this.instance.run(50);
  }

  get(request: Request): Container {
    const container = this.node.node.container(request.containerId);
    assert(container !== undefined, 'it is gone');
    return container;
  }

  heldCpu(): number {
    return this.node.node.resources().held.cpuMillicores;
  }

  restart(options: { readonly reboot: boolean }, change = {}): void {
    this.instance.crash(this.node, options);
    this.instance.run(100);
    this.instance.restart(this.node, change);
  }

  /** A turn that drops every effect. */
  silentTurn(): Turn {
    const nothing = (): void => {};
    const { nowMs, random } = this.instance;
    return { nowMs, wallMs: 1, random, send: nothing, setTimer: nothing, perform: nothing, reply: nothing, emit: nothing };
  }
}
