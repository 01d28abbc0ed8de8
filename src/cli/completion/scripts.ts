import { ALL_NAMES, CONTAINERS, NETWORK_OPTIONS, NETWORKS, THEN_CONTAINER, type Word, wordsOf } from './word.ts';

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
${namesOf(1, 8, (list) => `choices="$(${list})"`)}
      esac
      [ "$COMP_CWORD" -lt 3 ] || case "$verb \${COMP_WORDS[2]}" in
${namesOf(2, 8, (list) => `choices="$(${list})"`)}
      esac
      [ "$COMP_CWORD" -lt 4 ] || case "$verb \${COMP_WORDS[2]}" in
        ${cases(THEN_CONTAINER)}) choices="$(${CONTAINERS.list})" ;;
      esac
      case "\${COMP_WORDS[COMP_CWORD - 1]}" in
        ${NETWORK_OPTIONS.join('|')}) choices="$(${NETWORKS.list})" ;;
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
${namesOf(1, 6, (list) => `choices=(\${(f)"$(${list})"})`)}
    esac
    (( CURRENT < 4 )) || case "\${words[2]} \${words[3]}" in
${namesOf(2, 6, (list) => `choices=(\${(f)"$(${list})"})`)}
    esac
    (( CURRENT < 5 )) || case "\${words[2]} \${words[3]}" in
      ${cases(THEN_CONTAINER)}) choices=(\${(f)"$(${CONTAINERS.list})"}) ;;
    esac
    case "\${words[CURRENT - 1]}" in
      ${NETWORK_OPTIONS.join('|')}) choices=(\${(f)"$(${NETWORKS.list})"}) ;;
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
  const groups = [...new Set(ALL_NAMES.flatMap((names) => wordsOf(names, 2).map((verb) => verb.split(' ')[0] ?? '')))];
  const names = ALL_NAMES.flatMap(({ list, ...rest }) => {
    const [single, double] = [wordsOf({ list, ...rest }, 1), wordsOf({ list, ...rest }, 2)];
    const conditions = [
      ...(single.length === 0 ? [] : [`${seen(...single)}; and not ${seen(...groups)}`]),
      ...double.map((verb) =>
        verb
          .split(' ')
          .map((word) => seen(word))
          .join('; and '),
      ),
    ];
    return conditions.map((condition) => `${here(condition)} -f -a "(${list})"`);
  });
  const options = `${here(seen('run', 'new'))} -l network -x -a "(${NETWORKS.list})"`;
  return `# fish completion for caravela\n${[...lines, ...names, options].join('\n')}\n`;
}

const choicesOf = ({ options, verbs }: Word): readonly string[] => [...options, ...verbs.map(({ name }) => name)];

const cases = (verbs: readonly string[]): string => verbs.map((verb) => (verb.includes(' ') ? `"${verb}"` : verb)).join('|');

/** A case for each kind of names, of those that take them by so many words. */
function namesOf(count: 1 | 2, indent: number, set: (list: string) => string): string {
  return ALL_NAMES.filter((names) => wordsOf(names, count).length > 0)
    .map((names) => `${' '.repeat(indent)}${cases(wordsOf(names, count))}) ${set(names.list)} ;;`)
    .join('\n');
}

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
