import { ApiError } from '../http/api-error.ts';
import { API_LIMITS } from '../limits.ts';

/** What constraints and affinities have in common: `key==value`, `key!=value`, soft with `~` before the value. */
export interface Expression {
  readonly key: string;
  readonly operator: '==' | '!=';
  readonly value: string;
  readonly soft: boolean;
}

/** How an expression is to be written, for who wrote it otherwise. */
export interface Form {
  /** `a constraint is key==value …`, to which what was got is added. */
  readonly says: string;
  /** Bytes a value may have. */
  readonly valueBytes: number;
}

const SHAPE = /^\s*([A-Za-z0-9](?:[\w./:-]*[A-Za-z0-9])?)\s*(==|!=|=)(~?)\s*(.*?)\s*$/s;

/**
 * Classic Swarm's grammar (its filter expressions), without regular expressions: a hostile one can take
 * for ever, and every supplier would have to run it. `key=value` means ==. @throws ApiError 400
 */
export function parseExpression(text: string, form: Form): Expression {
  if (text.length > API_LIMITS.expressionChars) throw wrong(form, text);
  const [whole, key = '', sign = '', tilde = '', value = ''] = SHAPE.exec(text) ?? [];
  if (whole === undefined || value === '' || /^[=~]/.test(value)) throw wrong(form, text);
  if (/^\/.*\/$/s.test(value)) {
    throw new ApiError(400, `regular expressions are not taken: write * for any text instead of ${shown(value)} in ${shown(text)}`);
  }
  if (value.includes('\0') || Buffer.byteLength(key) > API_LIMITS.expressionKeyBytes || Buffer.byteLength(value) > form.valueBytes) {
    throw new ApiError(
      400,
      `a key may have ${API_LIMITS.expressionKeyBytes} bytes and its value ${form.valueBytes}, without NUL; got ${shown(text)}`,
    );
  }
  return { key, operator: sign === '!=' ? '!=' : '==', value, soft: tilde === '~' };
}

/** As it would be written. */
export const expressionText = ({ key, operator, value, soft }: Expression): string => `${key}${operator}${soft ? '~' : ''}${value}`;

export const wrong = (form: Form, text: string): ApiError => new ApiError(400, `${form.says}; got ${shown(text)}`);

const shown = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
