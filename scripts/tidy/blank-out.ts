/** Where the lexer is; a template's `${` pushes `code` on top of it. */
type State = 'code' | 'line-comment' | 'block-comment' | "'" | '"' | '`' | 'regex';

/**
 * TypeScript with the insides of comments, strings, templates' text and regular expressions replaced
 * by spaces; line breaks and columns stay. Good enough to look for words in the code that is left.
 */
export function blankOut(source: string): string {
  const stack: State[] = ['code'];
  /** Depth of braces within the innermost `${`. */
  const braces: number[] = [];
  let out = '';
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const c = source[i] as string;
    const state = stack.at(-1) as State;
    const two = source.slice(i, i + 2);
    if (state === 'code') {
      const opens = openedBy(two, out);
      if (opens !== undefined) {
        stack.push(opens);
        inClass = false;
      } else if (c === '{' && braces.length > 0) {
        braces.push((braces.pop() ?? 0) + 1);
      } else if (c === '}' && braces.length > 0) {
        const depth = (braces.pop() ?? 0) - 1;
        if (depth < 0) stack.pop();
        else braces.push(depth);
      }
      out += opens === 'line-comment' || opens === 'block-comment' ? ' ' : c;
      continue;
    }
    if (state === '`' && two === '${') {
      stack.push('code');
      braces.push(0);
      out += '  ';
      i++;
      continue;
    }
    if (c === '\\' && state.length === 1) {
      out += '  ';
      i++;
      continue;
    }
    if (state === 'regex' && c === '\\') {
      out += '  ';
      i++;
      continue;
    }
    if (state === 'regex') inClass = c === '[' || (inClass && c !== ']');
    if (closes(state, c, source.slice(i - 1, i + 1), inClass)) stack.pop();
    out += c === '\n' ? '\n' : ' ';
  }
  return out;
}

function openedBy(two: string, before: string): State | undefined {
  if (two === '//') return 'line-comment';
  if (two === '/*') return 'block-comment';
  const c = two[0];
  if (c === "'" || c === '"' || c === '`') return c;
  // A slash begins a regular expression where no value can stand before it.
  if (c === '/' && /(?:^|[([{,;=:!&|?+*%~^<>]|\b(?:return|case|typeof|of|in))\s*$/.test(before.slice(-40))) return 'regex';
  return undefined;
}

function closes(state: State, c: string, lastTwo: string, inClass: boolean): boolean {
  if (state === 'line-comment') return c === '\n';
  if (state === 'block-comment') return lastTwo === '*/';
  if (state === 'regex') return c === '/' && !inClass;
  return c === state;
}
