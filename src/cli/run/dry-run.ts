import type { Client } from '../../docker-api/client.ts';
import { ApiError } from '../../docker-api/errors.ts';
import type { PlannedPart, StackBody, StackPlan } from '../../docker-api/stack-types.ts';
import { EXIT, Failure } from '../failure.ts';
import { table } from '../format/table.ts';
import { compileTemplate } from '../format/template/evaluate.ts';
import type { Io } from '../io.ts';
import { consideredTable, givenUpLines, vectorText } from '../views/placement-text.ts';

/**
 * Says where containers would go now and what each node answered; nothing is held, so that another
 * request may come first. A refusal is told with the nodes' answers, too. @throws Failure 125 where not all would be placed
 */
export async function dryRun(client: Client, io: Io, body: StackBody, format: string | undefined): Promise<void> {
  const asTable = format === undefined || format === 'table';
  try {
    const { value } = await client.json<StackPlan>('POST', '/caravela/v1/plan', { body });
    if (asTable) io.stdout.write(planText(value.parts, body));
    else
      io.stdout.write(
        `${format === 'json' ? JSON.stringify(value) : value.parts.map((part) => compileTemplate(format)(part)).join('\n')}\n`,
      );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { body: answer } = error;
    if (format === 'json' && answer !== undefined) io.stdout.write(`${JSON.stringify(answer)}\n`);
    if (asTable && answer?.placement !== undefined) io.stdout.write(consideredTable(answer.placement.considered));
    const missing = answer?.missingImage;
    const hint = missing === undefined ? '' : `; a dry run fetches nothing: \`caravela pull ${missing}\` first`;
    throw new Failure(`${error.message}${hint}`, EXIT.refused);
  }
}

function planText(parts: readonly PlannedPart[], body: StackBody): string {
  // A drawn name is none that anybody would know it by.
  const named = parts.map((part, i) => ({ ...part, Name: body.parts[i]?.name ?? body.parts[i]?.body.Image ?? part.Name }));
  const summary = named.length === 1 ? '' : table([['NAME', 'GROUP', 'NODE'], ...named.map((part) => [part.Name, part.Group, part.Node])]);
  return [...(summary === '' ? [] : [summary]), ...named.map(partText)].join('\n');
}

function partText({ Name, Node, Placement }: PlannedPart): string {
  const lines = [
    `${Name} would go to ${Node}, policy ${Placement.policy}, and hold ${vectorText(Placement.wanted)}.`,
    ...givenUpLines(Placement),
  ];
  return `${lines.join('\n')}\n${consideredTable(Placement.considered)}`;
}
