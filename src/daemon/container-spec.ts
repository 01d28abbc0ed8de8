import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Integer,
  Literal,
  Null,
  Object as ObjectOf,
  Optional,
  Record as RecordOf,
  String as StringOf,
  Union,
} from 'typebox';
import { Check } from 'typebox/schema';
import { LIMITS, type NetworkId, PORT_PROTOCOLS, type Resources } from '../core/model/index.ts';
import { type ContainerSpec, EngineError, NETWORK_MODES } from '../engine/port.ts';
import { SPEC_EXTRAS } from './container-spec-extras.ts';
import { ASKED_MOUNTS, MOUNT_WISHES } from './container-spec-mounts.ts';

const texts = ArrayOf(StringOf());
const textsOrNull = Union([texts, Null()]);
const amount = Integer({ minimum: 0 });
const oneOf = <const Words extends readonly string[]>(words: Words) => Union(words.map((word: Words[number]) => Literal(word)));

/** What ends up in files that have a line for each: no space, no control character. */
const word = (longest: number) => StringOf({ maxLength: longest, pattern: String.raw`^[\x21-\x7e]*$` });
const IPV4 = String.raw`(\d{1,3}\.){3}\d{1,3}`;
const ipv4OrEmpty = StringOf({ pattern: `^(${IPV4})?$` });
const port = Integer({ minimum: 0, maximum: 65_535 });
/** The kernel's (struct winsize). */
const characters = Integer({ minimum: 1, maximum: 65_535 });
/** RFC 1035's longest name. */
const HOST_NAME_CHARS = 253;
/** With an IPv6 address behind it. */
const EXTRA_HOST_CHARS = HOST_NAME_CHARS + 1 + 45;
const DNS_ENTRIES = 32;
const EXTRA_HOSTS = 256;

const ENDPOINT_WISH = ObjectOf({
  network: StringOf({ pattern: '^[0-9a-f]{64}$' }),
  networkName: word(LIMITS.longNameBytes),
  vni: Integer({ minimum: 1, maximum: 2 ** 24 - 1 }),
  ip: ipv4OrEmpty,
  aliases: ArrayOf(word(HOST_NAME_CHARS), { maxItems: LIMITS.endpointNames }),
  mac: StringOf({ pattern: '^([0-9a-f]{2}(:[0-9a-f]{2}){5})?$' }),
  links: Optional(
    ArrayOf(ObjectOf({ container: word(HOST_NAME_CHARS), alias: word(HOST_NAME_CHARS) }), { maxItems: LIMITS.endpointNames }),
  ),
});
const portNumber = Integer({ minimum: 1, maximum: 65_535 });
const PORT_WISH = ObjectOf({
  containerPort: portNumber,
  protocol: oneOf(PORT_PROTOCOLS),
  hostIp: ipv4OrEmpty,
  hostPort: port,
  hostRange: Optional(ObjectOf({ first: portNumber, last: portNumber })),
});

const SPEC = ObjectOf({
  name: StringOf(),
  image: ObjectOf({ reference: StringOf(), digest: StringOf() }),
  imageAsked: Optional(StringOf({ maxLength: LIMITS.imageBytes })),
  entrypoint: textsOrNull,
  command: textsOrNull,
  env: texts,
  labels: RecordOf(StringOf(), StringOf()),
  workingDir: StringOf(),
  user: StringOf(),
  hostname: StringOf(),
  tty: BooleanOf(),
  terminalSize: Optional(ObjectOf({ rows: characters, columns: characters })),
  openStdin: BooleanOf(),
  stdinOnce: BooleanOf(),
  stopSignal: StringOf(),
  stopTimeoutSeconds: amount,
  nanoCpus: amount,
  memoryBytes: amount,
  pidsLimit: Integer({ minimum: -1 }),
  networkMode: oneOf(NETWORK_MODES),
  networks: ArrayOf(ENDPOINT_WISH, { maxItems: LIMITS.networksPerContainer }),
  networkOf: word(128),
  ports: ArrayOf(PORT_WISH, { maxItems: LIMITS.hostPorts }),
  publishAll: Optional(BooleanOf()),
  dns: ObjectOf({
    servers: ArrayOf(word(45), { maxItems: DNS_ENTRIES }),
    search: ArrayOf(word(HOST_NAME_CHARS), { maxItems: DNS_ENTRIES }),
    options: ArrayOf(word(HOST_NAME_CHARS), { maxItems: DNS_ENTRIES }),
  }),
  extraHosts: ArrayOf(word(EXTRA_HOST_CHARS), { maxItems: EXTRA_HOSTS }),
  exposedPorts: Optional(ArrayOf(StringOf({ pattern: String.raw`^\d{1,5}/(tcp|udp)$` }), { maxItems: 3 * LIMITS.hostPorts })),
  domainname: Optional(word(HOST_NAME_CHARS)),
  readonlyRootfs: BooleanOf(),
  capAdd: texts,
  capDrop: texts,
  init: BooleanOf(),
  mounts: Optional(MOUNT_WISHES),
  askedMounts: Optional(ASKED_MOUNTS),
  extras: Optional(SPEC_EXTRAS),
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
  return { ...spec, networks: spec.networks.map((wish) => ({ ...wish, network: wish.network as NetworkId })) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
