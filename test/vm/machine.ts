import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { until } from '../lab/shell.ts';

export interface MachineOptions {
  /** Has base.ext4, vmlinuz and initrd.img; nothing is written to it. */
  readonly base: string;
  /** An ext4 image that the machine mounts, for reading, at /opt/caravela. */
  readonly program: string;
  /** Where its console's text and its sockets go. */
  readonly dir: string;
}

export interface Answer {
  readonly code: number;
  /** Both streams as they came, trimmed. */
  readonly output: string;
}

const BOOT_MS = 180_000;
/** Characters, in the message of a failed boot. */
const CONSOLE_TAIL = 3_000;

/**
 * A whole Debian machine under emulation, as KVM is seldom to be had where tests run. Its root disk
 * starts afresh with each machine and lives through the machine's reboots. Commands go over its
 * second serial port.
 */
export class Machine {
  readonly #options: MachineOptions;
  #qemu: ChildProcess | undefined;
  #commands = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** Returns when its services run. */
  async boot(): Promise<void> {
    const { base, program, dir } = this.#options;
    this.#qemu = spawn(
      'qemu-system-x86_64',
      [
        ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1536', '-nodefaults', '-display', 'none'],
        ['-kernel', join(base, 'vmlinuz'), '-initrd', join(base, 'initrd.img')],
        ['-append', 'root=LABEL=root ro console=ttyS0 net.ifnames=0 systemd.show_status=1'],
        ['-drive', `file=${join(base, 'base.ext4')},format=raw,if=virtio,snapshot=on`],
        ['-drive', `file=${program},format=raw,if=virtio,readonly=on`],
        ['-netdev', 'user,id=n,restrict=on', '-device', 'virtio-net-pci,netdev=n'],
        ['-serial', `file:${join(dir, 'console.log')}`],
        ['-serial', `unix:${join(dir, 'agent.sock')},server=on,wait=off`],
      ].flat(),
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    this.#qemu.once('error', (error) => console.error(`cannot run qemu: ${error.message}`));
    await this.#untilBooted('');
  }

  /** All that its kernel and its init said, over all boots. */
  console(): string {
    return readFileSync(join(this.#options.dir, 'console.log'), 'latin1');
  }

  /** Runs a line of bash in the machine. */
  async run(command: string, timeoutMs = 60_000): Promise<Answer> {
    const [code = '', output = ''] = (await this.#exchange(command, timeoutMs)).split(' ');
    return { code: Number(code), output: Buffer.from(output, 'base64').toString('utf8').trim() };
  }

  /** As `run`; resolves to the output. @throws when the command fails */
  async must(command: string, timeoutMs?: number): Promise<string> {
    const { code, output } = await this.run(command, timeoutMs);
    if (code !== 0) throw new Error(`in the machine, ${command} ended with ${code}\n${output}`);
    return output;
  }

  /** As an administrator would; returns when the machine's services run again. */
  async reboot(): Promise<void> {
    const before = await this.must('cat /proc/sys/kernel/random/boot_id');
    // A moment later: the agent has to answer before it is stopped itself.
    await this.must('(sleep 1; systemctl reboot) &');
    await this.#untilBooted(before);
  }

  /** Pulls the plug. */
  async end(): Promise<void> {
    const qemu = this.#qemu;
    if (qemu === undefined || qemu.exitCode !== null || qemu.signalCode !== null) return;
    qemu.kill('SIGKILL');
    await once(qemu, 'exit');
  }

  async #untilBooted(earlierBoot: string): Promise<void> {
    await until(
      'the machine is up',
      async () => {
        const { output } = await this.run('cat /proc/sys/kernel/random/boot_id', 5_000);
        return output !== '' && output !== earlierBoot;
      },
      BOOT_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; its console:\n${this.console().slice(-CONSOLE_TAIL)}`);
    });
  }

  /** What the agent answers to this command: earlier ones may have been given up, and be answered still. */
  async #exchange(command: string, timeoutMs: number): Promise<string> {
    const mark = `run-${++this.#commands}`;
    const socket = connect(join(this.#options.dir, 'agent.sock'));
    const timer = setTimeout(() => socket.destroy(new Error(`in the machine, ${command} took more than ${timeoutMs} ms`)), timeoutMs);
    try {
      socket.write(`${mark} ${Buffer.from(command).toString('base64')}\n`);
      let text = '';
      for await (const chunk of socket.setEncoding('latin1')) {
        text += String(chunk);
        const answer = text
          .split('\n')
          .slice(0, -1)
          .find((line) => line.startsWith(`${mark} `));
        if (answer !== undefined) return answer.slice(mark.length + 1);
      }
      throw new Error(`the machine hung up on ${command}`);
    } finally {
      clearTimeout(timer);
      socket.destroy();
    }
  }
}
