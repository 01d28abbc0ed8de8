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
  Unknown,
  type Static,
  type TSchema,
} from 'typebox';
import { API_LIMITS } from '../limits.ts';

const orNull = <Schema extends TSchema>(schema: Schema) => Optional(Union([schema, Null()]));
const text = Optional(StringOf({ maxLength: 4096 }));
const flag = Optional(BooleanOf());
const words = orNull(ArrayOf(StringOf({ maxLength: 131_072 }), { maxItems: 8192 }));
/** Clients also send a command as one string. */
const command = Optional(Union([ArrayOf(StringOf({ maxLength: 131_072 }), { maxItems: 8192 }), StringOf({ maxLength: 131_072 }), Null()]));
const expressions = Optional(ArrayOf(StringOf({ maxLength: API_LIMITS.expressionChars }), { maxItems: API_LIMITS.expressions }));
const number = Optional(Union([Integer(), Null()]));

const PORT_BINDINGS = RecordOf(
  StringOf(),
  Union([
    ArrayOf(ObjectOf({ HostIp: Optional(StringOf({ maxLength: 64 })), HostPort: Optional(StringOf({ maxLength: 16 })) }), {
      maxItems: 256,
    }),
    Null(),
  ]),
);

/** One of HostConfig.Mounts. */
const MOUNT = ObjectOf({
  Type: StringOf(),
  Source: text,
  Target: text,
  ReadOnly: flag,
  Consistency: text,
  BindOptions: orNull(
    ObjectOf({ Propagation: text, NonRecursive: flag, CreateMountpoint: flag, ReadOnlyNonRecursive: flag, ReadOnlyForceRecursive: flag }),
  ),
  VolumeOptions: orNull(
    ObjectOf({
      NoCopy: flag,
      Labels: orNull(RecordOf(StringOf(), StringOf())),
      DriverConfig: orNull(ObjectOf({ Name: text, Options: orNull(RecordOf(StringOf(), StringOf())) })),
      Subpath: text,
    }),
  ),
  TmpfsOptions: orNull(ObjectOf({ SizeBytes: number, Mode: number, Options: Optional(Unknown()) })),
});
export type MountBody = Static<typeof MOUNT>;

/** How a container is to be on one network; also the body of a connect. */
export const ENDPOINT_CONFIG = ObjectOf({
  IPAMConfig: orNull(ObjectOf({ IPv4Address: text, IPv6Address: text, LinkLocalIPs: words })),
  Aliases: words,
  MacAddress: text,
  Links: words,
  GlobalIPv6Address: text,
});

/** The fields of POST /containers/create that are read; the others may be there. */
export const CREATE_BODY = ObjectOf({
  Image: StringOf({ minLength: 1, maxLength: 512 }),
  Hostname: Optional(StringOf({ maxLength: 63 })),
  Domainname: text,
  User: text,
  Tty: flag,
  OpenStdin: flag,
  StdinOnce: flag,
  Env: words,
  Cmd: command,
  Entrypoint: command,
  Volumes: orNull(RecordOf(StringOf(), Unknown())),
  WorkingDir: text,
  Labels: orNull(RecordOf(StringOf(), StringOf())),
  StopSignal: text,
  StopTimeout: number,
  MacAddress: text,
  ExposedPorts: orNull(RecordOf(StringOf(), Unknown())),
  Healthcheck: orNull(
    ObjectOf({
      Test: words,
      Interval: number,
      Timeout: number,
      StartPeriod: number,
      StartInterval: number,
      Retries: number,
    }),
  ),
  HostConfig: orNull(
    ObjectOf({
      NanoCpus: number,
      Memory: number,
      PidsLimit: number,
      Binds: words,
      Mounts: orNull(ArrayOf(MOUNT, { maxItems: API_LIMITS.mounts })),
      Tmpfs: orNull(RecordOf(StringOf(), StringOf({ maxLength: 4096 }))),
      VolumesFrom: words,
      VolumeDriver: text,
      Privileged: flag,
      CpuShares: number,
      CpuQuota: number,
      CpuPeriod: number,
      CpusetCpus: text,
      CpusetMems: text,
      MemorySwap: number,
      MemoryReservation: number,
      OomScoreAdj: number,
      OomKillDisable: Optional(Union([BooleanOf(), Null()])),
      ShmSize: number,
      Ulimits: orNull(ArrayOf(ObjectOf({ Name: StringOf(), Soft: Integer(), Hard: Integer() }), { maxItems: 64 })),
      Sysctls: orNull(RecordOf(StringOf({ maxLength: 256 }), StringOf({ maxLength: 4096 }))),
      GroupAdd: words,
      Devices: orNull(
        ArrayOf(ObjectOf({ PathOnHost: StringOf(), PathInContainer: text, CgroupPermissions: text }), { maxItems: API_LIMITS.devices }),
      ),
      DeviceCgroupRules: words,
      SecurityOpt: words,
      PidMode: text,
      IpcMode: text,
      UTSMode: text,
      CgroupnsMode: text,
      MaskedPaths: words,
      ReadonlyPaths: words,
      LogConfig: orNull(ObjectOf({ Type: text, Config: orNull(RecordOf(StringOf({ maxLength: 256 }), StringOf({ maxLength: 65_536 }))) })),
      NetworkMode: text,
      PortBindings: orNull(PORT_BINDINGS),
      PublishAllPorts: flag,
      Links: words,
      Dns: words,
      DnsSearch: words,
      DnsOptions: words,
      ExtraHosts: words,
      AutoRemove: flag,
      ReadonlyRootfs: flag,
      CapAdd: words,
      CapDrop: words,
      Init: Optional(Union([BooleanOf(), Null()])),
      ConsoleSize: orNull(ArrayOf(Integer({ minimum: 0, maximum: 65_535 }), { maxItems: 2 })),
      RestartPolicy: orNull(ObjectOf({ Name: text, MaximumRetryCount: number })),
    }),
  ),
  NetworkingConfig: orNull(ObjectOf({ EndpointsConfig: orNull(RecordOf(StringOf(), Union([ENDPOINT_CONFIG, Null()]))) })),
  Caravela: Optional(
    ObjectOf({
      Class: Optional(Union([Literal('low'), Literal('high')])),
      Policy: Optional(Union([Literal('binpack'), Literal('spread')])),
      Constraints: expressions,
      Affinities: expressions,
    }),
  ),
});

export type CreateBody = Static<typeof CREATE_BODY>;
