import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Integer,
  Object as ObjectOf,
  Optional,
  Record as RecordOf,
  String as StringOf,
} from 'typebox';

/** Bounds on what a request may ask for; each is far beyond what one needs. */
const DEVICES = 256;
const GROUPS = 256;
const PATHS = 256;
const PATH_CHARS = 4_096;
const SYSCTLS = 256;
const ULIMITS = 32;
const SECURITY_OPTIONS = 16;
/** A seccomp profile is one of them. */
const SECURITY_OPTION_CHARS = 256 * 1024;
const LOG_FILES = 100;
const HEALTH_ARGUMENTS = 256;
const HEALTH_ARGUMENT_CHARS = 64 * 1024;

const bytes = Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const microseconds = Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const nanoseconds = Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** -1: none. */
const limit = Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER });
const flag = Optional(BooleanOf());
/** `0-3,5`. */
const cpuset = Optional(StringOf({ maxLength: 1_024, pattern: String.raw`^[\d,-]*$` }));
const path = StringOf({ minLength: 1, maxLength: PATH_CHARS, pattern: String.raw`^/[^\0]*$` });
/** `host`, `private`, `container:ID` …; the engine says which it knows. */
const mode = Optional(StringOf({ maxLength: 200, pattern: String.raw`^[a-z]*(:[\w.-]+)?$` }));

/** What few ask for of a container (SpecExtras). */
export const SPEC_EXTRAS = ObjectOf({
  privileged: flag,
  cpuShares: Optional(Integer({ minimum: 0, maximum: 262_144 })),
  cpuQuota: Optional(Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER })),
  cpuPeriod: Optional(microseconds),
  cpusetCpus: cpuset,
  cpusetMems: cpuset,
  memorySwapBytes: Optional(limit),
  memoryReservationBytes: Optional(bytes),
  oomScoreAdj: Optional(Integer({ minimum: -1_000, maximum: 1_000 })),
  oomKillDisable: flag,
  shmBytes: Optional(bytes),
  ulimits: Optional(
    ArrayOf(ObjectOf({ name: StringOf({ maxLength: 16, pattern: '^[a-z]+$' }), soft: limit, hard: limit }), { maxItems: ULIMITS }),
  ),
  sysctls: Optional(
    RecordOf(StringOf({ maxLength: 256 }), StringOf({ maxLength: 1_024, pattern: String.raw`^[^\0\n]*$` }), { maxProperties: SYSCTLS }),
  ),
  groupAdd: Optional(ArrayOf(StringOf({ maxLength: 256, pattern: String.raw`^[^:\0\n]+$` }), { maxItems: GROUPS })),
  devices: Optional(
    ArrayOf(ObjectOf({ hostPath: path, containerPath: path, permissions: StringOf({ pattern: '^[rwm]{0,3}$' }) }), { maxItems: DEVICES }),
  ),
  deviceCgroupRules: Optional(ArrayOf(StringOf({ maxLength: 64 }), { maxItems: DEVICES })),
  securityOptions: Optional(ArrayOf(StringOf({ maxLength: SECURITY_OPTION_CHARS }), { maxItems: SECURITY_OPTIONS })),
  pidMode: mode,
  ipcMode: mode,
  utsMode: mode,
  cgroupnsMode: mode,
  maskedPaths: Optional(ArrayOf(path, { maxItems: PATHS })),
  readonlyPaths: Optional(ArrayOf(path, { maxItems: PATHS })),
  healthcheck: Optional(
    ObjectOf({
      test: ArrayOf(StringOf({ maxLength: HEALTH_ARGUMENT_CHARS }), { maxItems: HEALTH_ARGUMENTS }),
      interval: nanoseconds,
      timeout: nanoseconds,
      startPeriod: nanoseconds,
      retries: Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
    }),
  ),
  log: Optional(
    ObjectOf({
      driver: StringOf({ maxLength: 32 }),
      options: RecordOf(StringOf(), StringOf()),
      fileBytes: Optional(Integer({ minimum: 1, maximum: 2 ** 50 })),
      files: Optional(Integer({ minimum: 1, maximum: LOG_FILES })),
    }),
  ),
});
