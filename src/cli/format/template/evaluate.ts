import { assertNever } from '../../../lib/assert.ts';
import { FUNCTIONS, isTrue, show } from './functions.ts';
import { parseTemplate, type Command, type Node, type Operand, type Pipeline } from './parse.ts';
import { TemplateError } from './template-error.ts';

/** A template that was read and can be applied to any number of values. @throws TemplateError, from both steps */
export function compileTemplate(template: string): (value: unknown) => string {
  const nodes = parseTemplate(template);
  return (value) => render(nodes, { dot: value, variables: new Map([['', value]]) });
}

interface Scope {
  readonly dot: unknown;
  readonly variables: ReadonlyMap<string, unknown>;
}

function render(nodes: readonly Node[], outer: Scope): string {
  let scope = outer;
  let out = '';
  for (const node of nodes) {
    switch (node.kind) {
      case 'text':
        out += node.text;
        break;
      case 'output':
        out += show(pipelineValue(node.pipeline, scope));
        break;
      case 'assign':
        scope = { dot: scope.dot, variables: new Map([...scope.variables, [node.variable, pipelineValue(node.pipeline, scope)]]) };
        break;
      case 'if':
        out += render(isTrue(pipelineValue(node.pipeline, scope)) ? node.body : node.otherwise, scope);
        break;
      case 'with': {
        const value = pipelineValue(node.pipeline, scope);
        out += isTrue(value) ? render(node.body, { dot: value, variables: scope.variables }) : render(node.otherwise, scope);
        break;
      }
      case 'range':
        out += renderRange(node, scope);
        break;
    }
  }
  return out;
}

function renderRange(node: Extract<Node, { kind: 'range' }>, scope: Scope): string {
  const value = pipelineValue(node.pipeline, scope);
  if (!isTrue(value)) return render(node.otherwise, scope);
  if (typeof value !== 'object' || value === null) throw new TemplateError(`range needs a list or a map, got ${show(value)}`);
  const rows: [unknown, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return rows
    .map(([key, element]) => {
      const variables = new Map(scope.variables);
      const [first, second] = node.variables;
      if (second !== undefined) variables.set(first ?? '', key).set(second, element);
      else if (first !== undefined) variables.set(first, element);
      return render(node.body, { dot: element, variables });
    })
    .join('');
}

function pipelineValue(pipeline: Pipeline, scope: Scope): unknown {
  let piped: readonly unknown[] = [];
  for (const command of pipeline) piped = [commandValue(command, scope, piped)];
  return piped[0];
}

function commandValue(command: Command, scope: Scope, piped: readonly unknown[]): unknown {
  if (command.call !== undefined) {
    const call = FUNCTIONS.get(command.call);
    if (call === undefined) throw new TemplateError(`there is no function ${command.call}; there are ${[...FUNCTIONS.keys()].join(', ')}`);
    return call(...command.operands.map((o) => operandValue(o, scope)), ...piped);
  }
  const [first, ...rest] = command.operands;
  const value = operandValue(first as Operand, scope);
  const args = [...rest.map((o) => operandValue(o, scope)), ...piped];
  // A row may have methods, such as `.Label "key"`.
  if (typeof value === 'function') return (value as (...all: unknown[]) => unknown)(...args);
  if (args.length > 0) throw new TemplateError(`${show(value)} is a value and takes no arguments`);
  return value;
}

function operandValue(operand: Operand, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal':
      return operand.value;
    case 'group':
      return follow(pipelineValue(operand.pipeline, scope), operand.fields);
    case 'path': {
      if (operand.from === undefined) return follow(scope.dot, operand.fields);
      if (!scope.variables.has(operand.from)) throw new TemplateError(`the variable $${operand.from} is not set`);
      return follow(scope.variables.get(operand.from), operand.fields);
    }
    default:
      return assertNever(operand);
  }
}

function follow(value: unknown, fields: readonly string[]): unknown {
  return fields.reduce((parent: unknown, field) => {
    if (typeof parent !== 'object' || parent === null || Array.isArray(parent))
      throw new TemplateError(`can't take .${field} of ${show(parent)}`);
    if (Object.hasOwn(parent, field)) return (parent as Record<string, unknown>)[field];
    throw new TemplateError(`there is no field .${field}; there are ${Object.keys(parent).slice(0, 40).join(', ') || 'none'}`);
  }, value);
}
