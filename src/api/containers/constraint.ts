import { type Constraint, LIMITS } from '../../core/model/index.ts';
import { ApiError } from '../http/api-error.ts';
import { API_LIMITS } from '../limits.ts';
import { type Form, parseExpression } from './expression.ts';

const FORM: Form = {
  says: "a constraint is key==value or key!=value (==~ and !=~ for a wish), where key is node, arch, class or a node's label and * stands for any text",
  valueBytes: API_LIMITS.constraintValueBytes,
};

/** `key==value`, `key!=value`, `key==~value`; `key=value` means ==. @throws ApiError 400 */
export function parseConstraint(text: string): Constraint {
  return parseExpression(text, FORM);
}

/** @throws ApiError 400 */
export function parseConstraints(texts: readonly string[]): Constraint[] {
  if (texts.length > LIMITS.constraints) {
    throw new ApiError(400, `a container may have at most ${LIMITS.constraints} constraints, got ${texts.length}`);
  }
  return texts.map(parseConstraint);
}
