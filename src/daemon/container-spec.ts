import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Integer,
  Literal,
  Null,
  Object as ObjectOf,
  Record as RecordOf,
  String as StringOf,
  Union,
} from 'typebox';
import { Check } from 'typebox/schema';
import type { Resources } from '../core/model/index.ts';
import { type ContainerSpec, EngineError } from '../engine/port.ts';

const texts = ArrayOf(StringOf());
const textsOrNull = Union([texts, Null()]);
const amount = Integer({ minimum: 0 });

const SPEC = ObjectOf({
  name: StringOf(),
  image: ObjectOf({ reference: StringOf(), digest: StringOf() }),
  entrypoint: textsOrNull,
  command: textsOrNull,
  env: texts,
  labels: RecordOf(StringOf(), StringOf()),
  workingDir: StringOf(),
  user: StringOf(),
  hostname: StringOf(),
  tty: BooleanOf(),
  openStdin: BooleanOf(),
  stdinOnce: BooleanOf(),
  stopSignal: StringOf(),
  stopTimeoutSeconds: amount,
  nanoCpus: amount,
  memoryBytes: amount,
  pidsLimit: amount,
  networkMode: Union([Literal('none'), Literal('host')]),
  readonlyRootfs: BooleanOf(),
  capAdd: texts,
  capDrop: texts,
  init: BooleanOf(),
});

/**
 * The spec of a container that another node asks us to launch. To the core it is a text; here it must
 * have the shape that the engine relies on, and limits no higher than what was admitted, else a node of
 * another version could make us promise more than we have. @throws EngineError
 */
export function readSpec(text: string, admitted: Resources): ContainerSpec {
  const spec = parse(text);
  if (!Check(SPEC, spec)) {
    throw new EngineError(
      'engine-failed',
      'the spec of the container is not one this node understands: install the same release on all nodes',
    );
  }
  if (spec.nanoCpus > admitted.cpuMillicores * 1e6 || spec.memoryBytes > admitted.memoryBytes) {
    const held = `${admitted.cpuMillicores} millicores and ${admitted.memoryBytes} bytes`;
    throw new EngineError(
      'engine-failed',
      `the spec of the container limits it to ${spec.nanoCpus / 1e6} millicores and ${spec.memoryBytes} bytes, more than the ${held} held for it`,
    );
  }
  return spec;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
