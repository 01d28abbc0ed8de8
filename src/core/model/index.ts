/** The nouns of the core (DESIGN §4). Nothing here has behaviour beyond arithmetic on itself. */
export * from './ids.ts';
export * from './resources.ts';
export * from './member.ts';
export * from './limits.ts';
export * from './request.ts';
export * from './container.ts';
export * from './offer.ts';
export * from './explain.ts';
export * from './errors.ts';
export * from './names.ts';
export * from './network.ts';
export * from './message.ts';
export * from './event.ts';
export * from './effects.ts';
