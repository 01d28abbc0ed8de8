import {
  Array as ArrayOf,
  Boolean as BooleanOf,
  Integer,
  Literal,
  Object as ObjectOf,
  Optional,
  Record as RecordOf,
  String as StringOf,
  Union,
  Unknown,
} from 'typebox';

/** The kernel's PATH_MAX. */
const PATH_CHARS = 4_096;
const MOUNTS = 256;
const LABELS = 256;
const LABEL_CHARS = 4_096;
const TMPFS_OPTIONS = 32;
/** A bind as it was written: two paths and its options. */
const BIND_CHARS = 2 * PATH_CHARS + 256;

const path = StringOf({ minLength: 1, maxLength: PATH_CHARS, pattern: String.raw`^/[^\0]*$` });
const common = { target: path, readOnly: BooleanOf() };

const PROPAGATIONS = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave'] as const;

const MOUNT_WISH = Union([
  ObjectOf({
    ...common,
    kind: Literal('bind'),
    source: path,
    propagation: Union(PROPAGATIONS.map((word) => Literal(word))),
    createSource: BooleanOf(),
    nonRecursive: Optional(Literal(true)),
  }),
  ObjectOf({
    ...common,
    kind: Literal('volume'),
    name: StringOf({ maxLength: 255, pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.-]+$' }),
    anonymous: BooleanOf(),
    noCopy: BooleanOf(),
    labels: RecordOf(StringOf({ maxLength: LABEL_CHARS }), StringOf({ maxLength: LABEL_CHARS }), { maxProperties: LABELS }),
  }),
  ObjectOf({
    ...common,
    kind: Literal('tmpfs'),
    sizeBytes: Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    mode: Integer({ minimum: 0, maximum: 0o7777 }),
    // One option each: a comma would make it two.
    options: ArrayOf(StringOf({ maxLength: 256, pattern: '^[a-z_]+(=[A-Za-z0-9_:%./-]+)?$' }), { maxItems: TMPFS_OPTIONS }),
  }),
]);

export const MOUNT_WISHES = ArrayOf(MOUNT_WISH, { maxItems: MOUNTS });

/** For people to see only: nothing is done by it. */
export const ASKED_MOUNTS = ObjectOf({
  binds: ArrayOf(StringOf({ maxLength: BIND_CHARS }), { maxItems: MOUNTS }),
  mounts: ArrayOf(RecordOf(StringOf(), Unknown()), { maxItems: MOUNTS }),
  tmpfs: RecordOf(StringOf({ maxLength: PATH_CHARS }), StringOf({ maxLength: PATH_CHARS }), { maxProperties: MOUNTS }),
  volumesFrom: ArrayOf(StringOf({ maxLength: 512 }), { maxItems: MOUNTS }),
});
