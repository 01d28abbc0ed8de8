import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  type AgreedVersion,
  type Container,
  type ContainerId,
  LIMITS,
  type MemberRecord,
  NO_VERSION,
  type Tombstone,
} from '../../core/model/index.ts';
import type { KeptChange, KeptEntry, Store } from '../port.ts';
import { Reserve } from './reserve.ts';

/** Raised when a later version of the program changes the tables; each step migrates from the one before. */
const SCHEMA_VERSION = 2;
/** The document that tells which version the agreed entries are. */
const AGREED_VERSION = 'agreed-version';
/** https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

/**
 * The store on disk: one SQLite database in WAL mode. `synchronous=FULL` fsyncs the log on every
 * commit (SQLite docs, pragma synchronous), so what a method wrote has survived a power cut when it
 * returns. Records are JSON: they are read whole, at start, and never queried by content.
 */
export class SqliteStore implements Store {
  readonly #db: DatabaseSync;
  readonly #reserve: Reserve;
  readonly #prepared = new Map<string, StatementSync>();
  #isGrouped = false;

  /** @throws Error naming the file, when it is not a database or was written by a newer version */
  constructor(path: string) {
    this.#reserve = new Reserve(`${path}.reserve`);
    this.#db = this.#withReserve(() => open(path));
    this.#reserve.refill();
  }

  incarnation(): number {
    const value = this.document('incarnation');
    return typeof value === 'number' ? value : 0;
  }

  putIncarnation(incarnation: number): void {
    this.putDocument('incarnation', incarnation);
  }

  containers(): readonly Container[] {
    return this.#db.prepare('SELECT body FROM containers ORDER BY created_at_ms, id').all().map(containerOf);
  }

  putContainer(container: Container): void {
    const id = container.request.containerId;
    const put = (): unknown =>
      this.#sql(
        'INSERT INTO containers (id, created_at_ms, body) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body',
      ).run(id, container.createdAtMs, JSON.stringify(container));
    // The room set aside is for ending what is here, not for taking more in.
    const isHere = this.#sql('SELECT 1 FROM containers WHERE id = ?').get(id) !== undefined;
    if (isHere) this.#withReserve(put);
    else put();
    if (!this.#isGrouped) this.#reserve.refill();
  }

  forgetContainer(id: ContainerId, removedAtMs: number): void {
    const forget = (): void => {
      this.#sql('DELETE FROM containers WHERE id = ?').run(id);
      this.#sql('INSERT OR REPLACE INTO tombstones (id, removed_at_ms) VALUES (?, ?)').run(id, removedAtMs);
      this.#sql('DELETE FROM tombstones WHERE id NOT IN (SELECT id FROM tombstones ORDER BY removed_at_ms DESC LIMIT ?)').run(
        LIMITS.tombstones,
      );
    };
    if (this.#isGrouped) forget();
    else this.#withReserve(() => this.#transact(forget));
  }

  tombstones(): readonly Tombstone[] {
    return this.#db
      .prepare('SELECT id, removed_at_ms FROM tombstones ORDER BY removed_at_ms')
      .all()
      .map((row) => ({ containerId: row['id'] as ContainerId, removedAtMs: Number(row['removed_at_ms']) }));
  }

  members(): readonly MemberRecord[] {
    return this.#db
      .prepare('SELECT body FROM members ORDER BY id')
      .all()
      .map(bodyOf<MemberRecord>);
  }

  putMembers(members: readonly MemberRecord[]): void {
    // Losing the newest list to a power cut costs nothing: an older one leads back just as well.
    this.#withoutFlush(() => {
      this.#db.exec('DELETE FROM members');
      const insert = this.#db.prepare('INSERT INTO members (id, body) VALUES (?, ?)');
      for (const member of members) insert.run(member.id, JSON.stringify(member));
    });
  }

  agreed(): { readonly version: AgreedVersion; readonly entries: readonly KeptEntry[] } {
    const entries = this.#db
      .prepare('SELECT body FROM agreed ORDER BY key')
      .all()
      .map(bodyOf<KeptEntry>);
    return { version: (this.document(AGREED_VERSION) as AgreedVersion | undefined) ?? NO_VERSION, entries };
  }

  putAgreed({ version, put, remove, replace }: KeptChange): void {
    this.#withoutFlush(() => {
      if (replace) this.#db.exec('DELETE FROM agreed');
      for (const key of remove) this.#sql('DELETE FROM agreed WHERE key = ?').run(key);
      for (const entry of put) this.#sql('INSERT OR REPLACE INTO agreed (key, body) VALUES (?, ?)').run(entry.key, JSON.stringify(entry));
      this.putDocument(AGREED_VERSION, version);
    });
  }

  document(name: string): unknown {
    const row = this.#sql('SELECT body FROM documents WHERE name = ?').get(name);
    return row === undefined ? undefined : bodyOf(row);
  }

  putDocument(name: string, value: unknown): void {
    this.#sql('INSERT INTO documents (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body').run(
      name,
      JSON.stringify(value),
    );
  }

  transaction(body: () => void): void {
    this.#isGrouped = true;
    try {
      this.#transact(body);
    } finally {
      this.#isGrouped = false;
    }
    this.#reserve.refill();
  }

  close(): void {
    this.#db.close();
  }

  /** Each statement is compiled once. */
  #sql(text: string): StatementSync {
    const known = this.#prepared.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    this.#prepared.set(text, statement);
    return statement;
  }

  /** On a full disk, tries once more in the room that was set aside; not in a group, which a full disk has ended as a whole. */
  #withReserve<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (this.#isGrouped) throw error;
      const { errcode } = ((error as Error).cause ?? error) as { errcode?: number };
      if (errcode !== SQLITE_FULL || !this.#reserve.release()) throw error;
      return body();
    }
  }

  /** One transaction that a power cut may take back, together with what was written after it in the same way. */
  #withoutFlush(body: () => void): void {
    this.#db.exec('PRAGMA synchronous = NORMAL');
    try {
      this.#transact(body);
    } finally {
      this.#db.exec('PRAGMA synchronous = FULL');
    }
  }

  #transact(body: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#db.exec('COMMIT');
    } catch (error) {
      // A full disk makes SQLite roll back by itself.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Records of the first version lack what containers have been found by since. */
function containerOf(row: Record<string, unknown>): Container {
  const kept = bodyOf<Omit<Container, 'name'> & { readonly name?: string }>(row);
  const { request, name = request.name } = kept;
  return { ...kept, name, request: Object.assign({ affinities: [], labels: {}, image: '', hostPorts: [], vnis: [] }, request) };
}

function bodyOf<T>(row: Record<string, unknown>): T {
  return JSON.parse(String(row['body'])) as T;
}

function open(path: string): DatabaseSync {
  // It holds the instance's keys; SQLite gives its log the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  try {
    // Exclusive: a second daemon on the same directory is refused here, before it touches anything.
    db.exec('PRAGMA busy_timeout = 500; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    db.exec('PRAGMA cache_size = -256');
    const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > SCHEMA_VERSION) {
      throw new Error(
        `it was written by a newer version of caravela (schema ${version}, this one knows ${SCHEMA_VERSION}): upgrade this node`,
      );
    }
    // Nothing is written where nothing is to be changed: a full disk keeps no daemon from starting.
    if (version === SCHEMA_VERSION) return db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS containers (id TEXT PRIMARY KEY, created_at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS tombstones (id TEXT PRIMARY KEY, removed_at_ms INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS members (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS agreed (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
      PRAGMA user_version = ${SCHEMA_VERSION};
    `);
    return db;
  } catch (error) {
    db.close();
    if (/database is locked/.test((error as Error).message)) {
      throw new Error(`another caravela daemon is using ${path}: stop it first, or give this one another --data-dir`, { cause: error });
    }
    throw new Error(`cannot use the node's state file ${path}: ${(error as Error).message}`, { cause: error });
  }
}
