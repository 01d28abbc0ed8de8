import type { Descriptor, Platform } from './documents.ts';

/**
 * The entry of an index that runs best here: same os and architecture, the highest variant that is not
 * above ours (an arm v7 machine runs v6; an amd64 without a variant only the base line). Undefined: none.
 */
export function choosePlatform(entries: readonly Descriptor[], own: Platform): Descriptor | undefined {
  const fitting = entries.filter(({ platform }) => platform !== undefined && runsOn(platform, own));
  return fitting.reduce<Descriptor | undefined>(
    (best, entry) => (best === undefined || levelOf(entry.platform) > levelOf(best.platform) ? entry : best),
    undefined,
  );
}

/** Whether an image for `image` runs on `own`. An image that doesn't say (made from scratch) is taken at its word. */
export function runsOn(image: Platform, own: Platform): boolean {
  if (image.os !== '' && image.os !== own.os) return false;
  if (image.architecture !== '' && image.architecture !== own.architecture) return false;
  return levelOf(image) <= levelOf(own);
}

/** Names every platform in words: `linux/amd64, linux/arm/v7`. Attestations have none. */
export function describePlatforms(platforms: readonly (Platform | undefined)[]): string {
  const names = platforms
    .filter((platform) => platform !== undefined && platform.os !== 'unknown')
    .map((platform) => platformName(platform as Platform));
  return names.length === 0 ? 'no platform at all' : names.join(', ');
}

export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== '').join('/');
}

/** v7 is 7. Without a variant: arm64 is v8 and amd64 is v1, as the OCI image index spec has it; arm counts as v7, as Docker takes it. */
function levelOf(platform: Platform | undefined): number {
  if (platform === undefined) return 0;
  const stated = /^v(\d{1,3})/.exec(platform.variant);
  if (stated?.[1] !== undefined) return Number(stated[1]);
  switch (platform.architecture) {
    case 'arm64':
      return 8;
    case 'arm':
      return 7;
    default:
      return 1;
  }
}
