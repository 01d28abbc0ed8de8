/** The product's version; package.json has the same (a test checks). */
export const VERSION = '0.1.0';
