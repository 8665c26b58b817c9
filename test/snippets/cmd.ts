/**
 * How Windows interprets a text for cmd, by its documented rules: percent expansion, quotes and carets (cmd.exe), then the command
 * line of a program as its C runtime splits it into arguments. Only what the portal writes is supported; anything else is an error.
 */
export interface ReadCmd {
  /** Arguments of each call of curl.exe, as the program receives them. */
  calls: string[][]
  variables: Record<string, string>
}

export type CmdMode = 'prompt' | 'batch'

export function readCmd(text: string, mode: CmdMode, env: Record<string, string> = {}): ReadCmd {
  if (/[^\n -~]/.test(text)) throw new Error('code is not ASCII')
  const variables: Record<string, string> = { ...env }
  const calls: string[][] = []
  const lines = text.split('\n')
  while (lines.length > 0) {
    const command = nextCommand(lines, mode, variables)
    if (/^rem /i.test(command)) continue
    if (command === 'chcp 65001 >nul') continue
    const [, name, value] = /^set "(\w+)=(.*)"$/.exec(command) ?? []
    if (name !== undefined) variables[name] = value ?? ''
    else if (command.startsWith('curl.exe ')) calls.push(argumentsOf(command).slice(1))
    else throw new Error(`cmd does not know ${command}`)
  }
  return { calls, variables }
}

/** One line, and those that a caret at its end joins to it. Special characters outside of quotes would be operators. */
function nextCommand(lines: string[], mode: CmdMode, variables: Record<string, string>): string {
  let command = ''
  let line = expand(lines.shift() ?? '', mode, variables)
  const isRemark = /^rem /i.test(line)
  let quoted = false
  for (let index = 0; index < line.length; index++) {
    const sign = line.charAt(index)
    if (sign === '"') quoted = !quoted
    if (quoted || sign === '"') {
      command += sign
      continue
    }
    if (sign === '^' && index === line.length - 1) {
      // The next line continues this one, and its first character is literal.
      line = expand(lines.shift() ?? '', mode, variables)
      command += line.charAt(0)
      index = 0
      continue
    }
    if (sign === '^') {
      command += line.charAt(++index)
      continue
    }
    if (/[&|<>()]/.test(sign) && !isRemark && !line.endsWith(' >nul'))
      throw new Error(`${sign} is an operator in ${line}`)
    command += sign
  }
  return command
}

/** `%NAME%`; an undefined one is literal at the prompt and empty in a batch file, where `%%` is a percent sign and `%1` an argument. */
function expand(line: string, mode: CmdMode, variables: Record<string, string>): string {
  let expanded = ''
  for (let index = 0; index < line.length; index++) {
    const sign = line.charAt(index)
    if (sign !== '%') {
      expanded += sign
      continue
    }
    if (mode === 'batch' && line.charAt(index + 1) === '%') {
      expanded += '%'
      index++
      continue
    }
    if (mode === 'batch' && /[\d*]/.test(line.charAt(index + 1))) {
      index++
      continue
    }
    const end = line.indexOf('%', index + 1)
    const name = end === -1 ? undefined : line.slice(index + 1, end)
    const known = name === undefined ? undefined : variables[name]
    if (known === undefined && (mode === 'prompt' || name === undefined)) {
      if (mode === 'prompt') expanded += sign
      continue
    }
    expanded += known ?? ''
    index = end
  }
  return expanded
}

/** As the C runtime does (Microsoft, "Parsing C command-line arguments"): backslashes count only before a quotation mark. */
export function argumentsOf(line: string): string[] {
  const found: string[] = []
  let current: string | undefined
  let quoted = false
  for (let index = 0; index < line.length; ) {
    const slashes = /^\\*/.exec(line.slice(index))?.[0].length ?? 0
    const next = line.charAt(index + slashes)
    if (slashes > 0) {
      const isBeforeQuote = next === '"'
      current = (current ?? '') + '\\'.repeat(isBeforeQuote ? Math.floor(slashes / 2) : slashes)
      index += slashes
      if (!isBeforeQuote || slashes % 2 === 0) continue
      current += '"'
      index++
    } else if (next === '"') {
      current ??= ''
      if (quoted && line.charAt(index + 1) === '"') {
        current += '"'
        index++
      } else quoted = !quoted
      index++
    } else if ((next === ' ' || next === '\t') && !quoted) {
      if (current !== undefined) found.push(current)
      current = undefined
      index++
    } else {
      current = (current ?? '') + next
      index++
    }
  }
  return current === undefined ? found : [...found, current]
}
