/** Sailors' words and people of the sea and of science, for containers that were given no name. */
const ADJECTIVES =
  'able amber bold brave bright brisk calm candid clever coastal copper daring deft eager early fair fearless fleet free fresh gentle golden hardy hasty hearty honest humble ivory jolly keen kind lively loyal lucky mellow merry mighty nimble noble northern open patient plucky proud quick quiet ready restless salty serene sharp silent silver sober southern spry stark steady stout sunny swift tidal trim upright valiant vivid wary western wild windy wise witty worthy'.split(
    ' ',
  );
const SURNAMES =
  'abreu albuquerque almeida amundsen azurara barents bering cabral cam camoes cao cavendish columbus cook corte cousteau covilha cunha dias dampier drake elcano eanes faleiro fitzroy flinders frobisher gama gomes hadley halley harrison henriques hopper hudson kepler laperouse lovelace magellan maury mendel mercator nansen noether nunes pacheco pinto polo queiros quintus raleigh ross saavedra sarmiento shackleton silves sintra tasman teive torres tristao turing vancouver vaz velho verne vespucci vizinho zarco zheng'.split(
    ' ',
  );

/** `salty_magellan`; from the second try on with digits, which makes a clash ever less likely. */
export function randomName(randomHex: (bytes: number) => string, attempt: number): string {
  const draw = (): number => Number.parseInt(randomHex(4), 16);
  const name = `${ADJECTIVES[draw() % ADJECTIVES.length]}_${SURNAMES[draw() % SURNAMES.length]}`;
  return attempt === 0 ? name : `${name}${draw() % 10 ** Math.min(attempt, 6)}`;
}
