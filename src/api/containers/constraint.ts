import { type Constraint, LIMITS } from '../../core/model/index.ts';
import { ApiError } from '../http/api-error.ts';

const SHAPE = /^\s*([A-Za-z0-9](?:[\w./-]*[A-Za-z0-9])?)\s*(==|!=|=)\s*(.*?)\s*$/;

/** `key==value`, `key!=value`; `key=value` means ==. @throws ApiError 400 */
export function parseConstraint(text: string): Constraint {
  const found = SHAPE.exec(text);
  const [, key = '', sign = '', value = ''] = found ?? [];
  if (found === null || value === '' || value.startsWith('=')) {
    throw new ApiError(
      400,
      `a constraint is key==value or key!=value, where key is node, arch, class or a node's label; got ${JSON.stringify(text)}`,
    );
  }
  return { key, operator: sign === '!=' ? '!=' : '==', value, soft: false };
}

/** @throws ApiError 400 */
export function parseConstraints(texts: readonly string[]): Constraint[] {
  if (texts.length > LIMITS.constraints) {
    throw new ApiError(400, `a container may have at most ${LIMITS.constraints} constraints, got ${texts.length}`);
  }
  return texts.map(parseConstraint);
}
