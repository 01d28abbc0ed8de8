import { LIST_NAMES, ON_CONTAINERS, type Word } from './word.ts';

export function bash(words: readonly Word[]): string {
  const cases = words.map((word) => `    ${word.name}) choices="${[...word.options, ...word.verbs].join(' ')}" ;;`);
  return `# bash completion for caravela
_caravela() {
  local current="\${COMP_WORDS[COMP_CWORD]}" verb="\${COMP_WORDS[1]}" choices=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words.map((word) => word.name).join(' ')}" -- "$current"))
    return
  fi
  case "$verb" in
${cases.join('\n')}
  esac
  case "$verb" in
    ${ON_CONTAINERS.join('|')})
      case "$current" in
        -*) ;;
        *) choices="$(${LIST_NAMES})" ;;
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
  const cases = words.map((word) => `    ${word.name}) choices=(${[...word.options, ...word.verbs].join(' ')}) ;;`);
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
${cases.join('\n')}
  esac
  case "\${words[2]}" in
    ${ON_CONTAINERS.join('|')})
      [[ "\${words[CURRENT]}" == -* ]] || choices=(\${(f)"$(${LIST_NAMES})"})
      ;;
  esac
  compadd -a choices
  _files
}
compdef _caravela caravela
`;
}

export function fish(words: readonly Word[]): string {
  const lines = words.flatMap((word) => {
    const here = `complete -c caravela -n '__fish_seen_subcommand_from ${word.name}'`;
    return [
      `complete -c caravela -n __fish_use_subcommand -f -a ${word.name} -d '${quoted(word.summary)}'`,
      ...word.options.map((option) => `${here} -l ${option.slice(2)}`),
      ...word.verbs.map((verb) => `${here} -f -a ${verb}`),
    ];
  });
  const names = `complete -c caravela -n '__fish_seen_subcommand_from ${ON_CONTAINERS.join(' ')}' -f -a "(${LIST_NAMES})"`;
  return `# fish completion for caravela\n${lines.join('\n')}\n${names}\n`;
}

/** Within single quotes; the three shells agree on this way to write one. */
function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}
