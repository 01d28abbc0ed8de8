import { spawn } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ShellOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
  readonly timeoutMs?: number;
  readonly cwd?: string;
}

/** Runs a command to its end. Never throws for its exit code; a timeout kills it and counts as code 124, as timeout(1). */
export function shell(command: readonly string[], options: ShellOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env }, cwd: options.cwd });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? 60_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: timedOut ? 124 : (code ?? (signal === null ? 1 : 128)), stdout, stderr });
    });
  });
}

/** As `shell`, but a failure is an error with all the command said. Resolves to stdout, trimmed. */
export async function must(command: readonly string[], options: ShellOptions = {}): Promise<string> {
  const outcome = await shell(command, options);
  if (outcome.code !== 0) {
    throw new Error(`${command.join(' ')} ended with ${outcome.code}\n${outcome.stdout}${outcome.stderr}`.trimEnd());
  }
  return outcome.stdout.trim();
}

/** Waits until `probe` answers something truthy; its last error or answer is in the message when it never does. */
export async function until<T>(what: string, probe: () => Promise<T | undefined | false>, timeoutMs = 15_000, pauseMs = 50): Promise<T> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`${what}: not within ${timeoutMs} ms (last: ${last instanceof Error ? last.message : String(last)})`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
