import { Command } from 'commander';
import { type Context, connect } from '../context.ts';
import { EXIT, Failure } from '../failure.ts';
import { ContainerFiles } from '../files/container-files.ts';
import { copyIn } from '../files/copy-in.ts';
import { copyOut } from '../files/copy-out.ts';
import { parseCpArgument } from '../files/cp-argument.ts';
import { decimalSum } from '../format/human.ts';

interface Options {
  readonly archive?: boolean;
  readonly followLink?: boolean;
  readonly quiet?: boolean;
}

export function cpCommand(context: Context): Command {
  return new Command('cp')
    .description(
      'Copies files between a container, running or not, and this machine. - is a tar archive on stdin or stdout; what ends in /. is what is in a directory, rather than it.',
    )
    .argument('<source>')
    .argument('<destination>')
    .usage('[options] CONTAINER:PATH PATH|-\n       caravela cp [options] PATH|- CONTAINER:PATH')
    .option('-a, --archive', 'keep owners; else all belongs to root in the container, to you here')
    .option('-L, --follow-link', 'where the source is a symbolic link, copy what it leads to')
    .option('-q, --quiet', 'say nothing of what was copied')
    .action(async (source: string, destination: string, options: Options, command: Command) => {
      const { io } = context;
      const [from, to] = [parseCpArgument(source), parseCpArgument(destination)];
      if (from.kind === 'container' && to.kind === 'container') {
        throw new Failure(
          'copying between containers is not supported: copy to this machine first, or pipe: cp A:/x - | cp - B:/',
          EXIT.failed,
        );
      }
      if (from.kind === 'local' && to.kind === 'local')
        throw new Failure('one of the two must be in a container: CONTAINER:PATH', EXIT.failed);
      const client = await connect(context, command);
      const files = (container: string): ContainerFiles => new ContainerFiles(client, container);
      const bytes =
        from.kind === 'container'
          ? await copyOut(io, files(from.container), from.path, to.path, options)
          : to.kind === 'container'
            ? await copyIn(io, files(to.container), from.path, to.path, options)
            : 0;
      const isSilent = options.quiet === true || !io.stderrIsTty || destination === '-';
      if (!isSilent) io.stderr.write(`Successfully copied ${decimalSum(bytes)} to ${destination}\n`);
    });
}
