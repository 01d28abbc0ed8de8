import { Command } from 'commander';
import type { Info } from '../../docker-api/types.ts';
import { type Context, connect } from '../context.ts';
import { binarySize } from '../format/human.ts';
import { compileTemplate } from '../format/template/evaluate.ts';
import { warnUnreachable } from '../warnings.ts';

export function infoCommand(context: Context): Command {
  return new Command('info')
    .description('Shows facts about the instance and the node that was asked.')
    .option('-f, --format <format>', 'json, or a template: {{.Containers}}')
    .action(async (options: { format?: string }, command: Command) => {
      const client = await connect(context, command);
      const { value, headers } = await client.json<Info>('GET', '/info');
      const { format } = options;
      if (format === undefined) context.io.stdout.write(describe(value));
      else context.io.stdout.write(`${format === 'json' ? JSON.stringify(value) : compileTemplate(format)(value)}\n`);
      warnUnreachable(context.io, headers, 'containers');
    });
}

function describe(info: Info): string {
  const lines = [
    `Containers: ${info.Containers}`,
    ` Running: ${info.ContainersRunning}`,
    ` Paused: ${info.ContainersPaused}`,
    ` Stopped: ${info.ContainersStopped}`,
    `Images: ${info.Images}`,
    `Server Version: ${info.ServerVersion}`,
    `Storage Driver: ${info.Driver}`,
    ...info.DriverStatus.map(([key, value]) => ` ${key}: ${value}`),
    `Cgroup Driver: ${info.CgroupDriver}`,
    `Cgroup Version: ${info.CgroupVersion}`,
    `Default Runtime: ${info.DefaultRuntime}`,
    `Kernel Version: ${info.KernelVersion}`,
    `Operating System: ${info.OperatingSystem}`,
    `Architecture: ${info.Architecture}`,
    `CPUs: ${info.NCPU}`,
    `Total Memory: ${binarySize(info.MemTotal)}`,
    `Name: ${info.Name}`,
    `ID: ${info.ID}`,
    `Data Directory: ${info.DockerRootDir}`,
    ...info.Warnings.map((warning) => `WARNING: ${warning}`),
  ];
  return `${lines.join('\n')}\n`;
}
