const BUILT_ELSEWHERE = 'images are built elsewhere, by docker build or buildah; `caravela load` and `caravela pull` bring them here';
const NO_SERVICES = 'there are no services here: `caravela run` starts containers, and stack files';
const BY_HOST = '--host or CARAVELA_HOST say which daemon is meant';

/** Docker's words that are none of ours, and what there is instead. */
const NOT_HERE: Readonly<Record<string, string>> = {
  build: BUILT_ELSEWHERE,
  builder: BUILT_ELSEWHERE,
  buildx: BUILT_ELSEWHERE,
  bake: BUILT_ELSEWHERE,
  swarm: 'nodes make instances by `caravela create` and `caravela join`',
  service: NO_SERVICES,
  stack: 'a stack file is run as an image is: `caravela run STACK.yml`',
  compose: 'docker compose works with DOCKER_HOST; our own stack files are run by `caravela run STACK.yml`',
  secret: NO_SERVICES,
  config: NO_SERVICES,
  context: BY_HOST,
  plugin: 'there are no plugins',
  trust: 'images are known by their digests; signatures are not looked at',
  manifest: 'lists of manifests are made elsewhere, by docker manifest or skopeo',
  checkpoint: 'containers can be paused, not saved',
};

/** What to say of a word that Docker has as a command; undefined: it has not. */
export const notHere = (word: string): string | undefined => (Object.hasOwn(NOT_HERE, word) ? NOT_HERE[word] : undefined);
