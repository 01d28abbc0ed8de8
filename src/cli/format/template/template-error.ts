/** A template that can't be read, or doesn't suit the value: what is wrong, and where. */
export class TemplateError extends Error {
  override name = 'TemplateError';
}
