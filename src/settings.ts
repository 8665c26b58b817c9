import { closeSync, openSync, readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads one setting at a time; what is wrong with it joins the complaints, and reading goes on. */
export function reader(env: Environment, complaints: string[]) {
  const complain = (line: string) => {
    complaints.push(line)
  }
  const content = (name: string, path: string): string | undefined => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      complain(`${name}: cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
      return undefined
    }
  }
  const text = (name: string): string | undefined => {
    const file = env[`${name}_FILE`]
    if (file && env[name]) complain(`${name}: set it or ${name}_FILE, not both`)
    const value = file ? content(`${name}_FILE`, file) : env[name]
    const trimmed = value?.trim()
    return trimmed ? trimmed : undefined
  }
  const required = (name: string, example: string): string => {
    const known = complaints.length
    const value = text(name)
    // a file that cannot be read is reported already; an empty one is not
    if (value === undefined && complaints.length === known) complain(`${name}: is missing; for example ${example}`)
    return value ?? ''
  }
  const address = (name: string, example: string): string => {
    const value = required(name, example)
    if (value === '') return value
    const url = URL.canParse(value) ? new URL(value) : undefined
    if (!url || !['http:', 'https:'].includes(url.protocol))
      complain(`${name}: is not a web address; for example ${example}`)
    else if (url.username || url.password) complain(`${name}: must not hold a user name or password`)
    else if (url.protocol === 'http:' && !isLocal(url.hostname))
      complain(`${name}: must be https (only localhost may be http); for example ${example}`)
    else if (name === 'PUBLIC_URL' && (url.pathname !== '/' || url.search || url.hash))
      complain(`${name}: is an origin without a path; for example ${example}`)
    return value
  }
  return {
    text,
    required,
    address,
    port(name: string, fallback: number): number {
      const value = text(name)
      if (value === undefined) return fallback
      const number = Number(value)
      if (!Number.isInteger(number) || number < 0 || number > 65535)
        complain(`${name}: is not a port; for example ${fallback}`)
      return number
    },
    seconds(name: string, fallback: number): number {
      const value = text(name)
      if (value === undefined) return fallback
      const match = /^(\d+(?:\.\d+)?)\s*(s|m|h)?$/.exec(value)
      const unit = { s: 1, m: 60, h: 3600 }[match?.[2] ?? 's'] ?? 1
      const number = Number(match?.[1]) * unit
      if (!match || number <= 0)
        complain(`${name}: is not a time above 0; for example ${fallback} (seconds), 15m or 2h`)
      return number
    },
    choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
      const value = text(name)
      if (value === undefined) return fallback
      const found = choices.find((choice) => choice === value)
      if (!found) complain(`${name}: is not one of ${choices.join(', ')}`)
      return found ?? fallback
    },
    secrets(name: string, { optional = false } = {}): string[] {
      const known = complaints.length
      const list = words(optional ? text(name) : required(name, '"$(openssl rand -base64 32)"'))
      // set, but empty: another secret must not silently take its place
      const isSet = Boolean(env[name] || env[`${name}_FILE`])
      if (list.length === 0 && isSet && complaints.length === known)
        complain(`${name}: is set, but holds no secret; for example the output of openssl rand -base64 32`)
      for (const secret of list) {
        if (Buffer.byteLength(secret) < 32)
          complain(`${name}: each secret needs at least 32 bytes; for example the output of openssl rand -base64 32`)
      }
      return list
    },
    redis(name: string): string | undefined {
      const value = text(name)
      if (value !== undefined && !/^(rediss?|rediss?\+(sentinel|cluster)):\/\//.test(value)) {
        complain(
          `${name}: starts with redis://, rediss://, redis+sentinel:// or redis+cluster://; for example redis://localhost:6379`,
        )
      }
      return value
    },
    smtp(name: string): string | undefined {
      const value = text(name)
      if (value !== undefined && !/^smtps?:\/\/\S+$/.test(value))
        complain(`${name}: starts with smtp:// or smtps://; for example smtp://user:password@mail.example.com:587`)
      return value
    },
    url(name: string): string | undefined {
      const value = text(name)
      if (value !== undefined && !/^https?:\/\//.test(value))
        complain(`${name}: is not a web address; for example http://proxy.example.com:3128`)
      return value
    },
    /** `stdout`, `off`, or a file that can be written to */
    log(name: string, fallback: string): string {
      const value = text(name) ?? fallback
      if (value === 'stdout' || value === 'off') return value
      try {
        closeSync(openSync(value, 'a'))
      } catch (error) {
        complain(`${name}: cannot write to ${value} (${(error as NodeJS.ErrnoException).code})`)
      }
      return value
    },
    file(name: string): string | undefined {
      const path = env[name]
      const text = path ? content(name, path) : undefined
      if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
        complain(`${name}: ${path} holds no certificate in PEM form`)
      return text
    },
  }
}

/** Of this machine, as the URL parser writes host names. */
export function isLocal(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
}

export function words(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)
}
