/** API paths of what users name. */
export const containerPath = (name: string, verb = ''): string => `/containers/${encodeURIComponent(name)}${verb}`;

/** A reference keeps its slashes: Docker's routes end in `{name:.*}`. */
export function imagePath(reference: string, verb = ''): string {
  return `/images/${reference.split('/').map(encodeURIComponent).join('/')}${verb}`;
}

export const networkPath = (name: string, verb = ''): string => `/networks/${encodeURIComponent(name)}${verb}`;

export const execPath = (id: string, verb = ''): string => `/exec/${encodeURIComponent(id)}${verb}`;

export const volumePath = (name: string): string => `/volumes/${encodeURIComponent(name)}`;
