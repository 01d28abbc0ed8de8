import { LIST_NAMES, LIST_NETWORKS, NETWORK_OPTIONS, ON_CONTAINERS, ON_NETWORKS, type Word } from './word.ts';

export function bash(words: readonly Word[]): string {
  return `# bash completion for caravela
_caravela() {
  local current="\${COMP_WORDS[COMP_CWORD]}" verb="\${COMP_WORDS[1]}" choices=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words.map((word) => word.name).join(' ')}" -- "$current"))
    return
  fi
  case "$verb" in
${words.map((word) => `    ${word.name}) choices="${choicesOf(word).join(' ')}" ;;`).join('\n')}
  esac
  [ "$COMP_CWORD" -lt 3 ] || case "$verb \${COMP_WORDS[2]}" in
${subcommands(words, (options) => `choices="${options.join(' ')}"`)}
  esac
  case "$current" in
    -*) ;;
    *)
      case "$verb" in
        ${ON_CONTAINERS.join('|')}) choices="$(${LIST_NAMES})" ;;
      esac
      [ "$COMP_CWORD" -lt 3 ] || case "$verb \${COMP_WORDS[2]}" in
        ${onNetworks()}) choices="$(${LIST_NETWORKS})" ;;
      esac
      [ "$COMP_CWORD" -lt 4 ] || case "$verb \${COMP_WORDS[2]}" in
        ${thenContainer()}) choices="$(${LIST_NAMES})" ;;
      esac
      case "\${COMP_WORDS[COMP_CWORD - 1]}" in
        ${NETWORK_OPTIONS.join('|')}) choices="$(${LIST_NETWORKS})" ;;
      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$choices" -- "$current"))
}
complete -o default -F _caravela caravela
`;
}

export function zsh(words: readonly Word[]): string {
  const commands = words.map((word) => `    '${quoted(`${word.name}:${word.summary}`)}'`);
  return `#compdef caravela
# zsh completion for caravela
_caravela() {
  local -a commands choices
  commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "\${words[2]}" in
${words.map((word) => `    ${word.name}) choices=(${choicesOf(word).join(' ')}) ;;`).join('\n')}
  esac
  (( CURRENT < 4 )) || case "\${words[2]} \${words[3]}" in
${subcommands(words, (options) => `choices=(${options.join(' ')})`)}
  esac
  if [[ "\${words[CURRENT]}" != -* ]]; then
    case "\${words[2]}" in
      ${ON_CONTAINERS.join('|')}) choices=(\${(f)"$(${LIST_NAMES})"}) ;;
    esac
    (( CURRENT < 4 )) || case "\${words[2]} \${words[3]}" in
      ${onNetworks()}) choices=(\${(f)"$(${LIST_NETWORKS})"}) ;;
    esac
    (( CURRENT < 5 )) || case "\${words[2]} \${words[3]}" in
      ${thenContainer()}) choices=(\${(f)"$(${LIST_NAMES})"}) ;;
    esac
    case "\${words[CURRENT - 1]}" in
      ${NETWORK_OPTIONS.join('|')}) choices=(\${(f)"$(${LIST_NETWORKS})"}) ;;
    esac
  fi
  compadd -a choices
  _files
}
compdef _caravela caravela
`;
}

export function fish(words: readonly Word[]): string {
  const seen = (...names: readonly string[]): string => `__fish_seen_subcommand_from ${names.join(' ')}`;
  const here = (condition: string): string => `complete -c caravela -n '${condition}'`;
  const lines = words.flatMap((word) => {
    const verbs = word.verbs.map(({ name }) => name);
    const inWord = seen(word.name);
    return [
      `complete -c caravela -n __fish_use_subcommand -f -a ${word.name} -d '${quoted(word.summary)}'`,
      ...word.options.map((option) => `${here(inWord)} -l ${option.slice(2)}`),
      ...verbs.map((verb) => `${here(`${inWord}; and not ${seen(...verbs)}`)} -f -a ${verb}`),
      ...word.verbs.flatMap(({ name, options }) =>
        options.map((option) => `${here(`${inWord}; and ${seen(name)}`)} -l ${option.slice(2)}`),
      ),
    ];
  });
  const names = `${here(`${seen(...ON_CONTAINERS)}; and not ${seen('network')}`)} -f -a "(${LIST_NAMES})"`;
  const networks = `${here(`${seen('network')}; and ${seen(...ON_NETWORKS)}`)} -f -a "(${LIST_NETWORKS})"`;
  const options = `${here(seen('run', 'new'))} -l network -x -a "(${LIST_NETWORKS})"`;
  return `# fish completion for caravela\n${[...lines, names, networks, options].join('\n')}\n`;
}

const choicesOf = ({ options, verbs }: Word): readonly string[] => [...options, ...verbs.map(({ name }) => name)];

const cases = (verbs: readonly string[]): string => verbs.map((verb) => `"network ${verb}"`).join('|');
const onNetworks = (): string => cases(ON_NETWORKS);
const thenContainer = (): string => cases(['connect', 'disconnect']);

/** Cases of both words, for those whose second has options of its own. */
function subcommands(words: readonly Word[], set: (options: readonly string[]) => string): string {
  return words
    .flatMap(({ name, verbs }) => verbs.filter(({ options }) => options.length > 0).map((verb) => ({ name, verb })))
    .map(({ name, verb }) => `    "${name} ${verb.name}") ${set(verb.options)} ;;`)
    .join('\n');
}

/** Within single quotes; the three shells agree on this way to write one. */
function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}
