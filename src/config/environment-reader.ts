import { isUtf8 } from 'node:buffer'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { addressMessages, fileMessages, secretMessages, valueMessages } from './messages.js'
import { findMisspelledSettings } from './misspelled-settings.js'
import {
  certificatesProblem,
  characterProblem,
  hostNameProblem,
  hostProblem,
  placeholderProblem,
  type SettingCheck,
  variableProblem,
} from './setting-validation.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** At least one secret, as `Secrets` in infra/crypto/secrets.ts. */
export type SecretList = readonly [string, ...string[]]

interface ReadOptions {
  /** The value is not shown, and not searched for variables. */
  secret?: boolean
  /** Its file may be absent; the setting is then not set. */
  optional?: boolean
  check?: SettingCheck
}

/** In seconds. */
interface DurationOptions {
  fallback: number
  /** Default: anything above 0. */
  min?: number
  max: number
}

export type EnvironmentReader = ReturnType<typeof createEnvironmentReader>

/** Reads one setting at a time. Problems are added to the list, and reading continues. */
export function createEnvironmentReader(env: Environment, problems: string[]) {
  const settings = new Set<string>()
  const absent: string[] = []
  const report = (name: string, problem: string) => {
    problems.push(`${name}: ${problem}`)
  }
  const content = (name: string, path: string, optional = false): Buffer | undefined => {
    try {
      return readFileSync(path)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A mounted Kubernetes Secret may lack a key. A folder that does not exist is a mistake.
      if (optional && code === 'ENOENT' && existsSync(dirname(path)))
        absent.push(`${name}: ${fileMessages.absent(path, name.replace(/_FILE$/, ''))}`)
      else report(name, fileMessages.unreadable(path, code))
      return undefined
    }
  }
  const raw = (name: string, { optional = false }: ReadOptions): string | undefined => {
    settings.add(name).add(`${name}_FILE`)
    const path = env[`${name}_FILE`]
    if (path && env[name]) report(name, fileMessages.both(name))
    if (!path) return env[name]
    const problem = placeholderProblem(path) ?? variableProblem(path)
    if (problem !== undefined) {
      report(`${name}_FILE`, problem)
      return undefined
    }
    const bytes = content(`${name}_FILE`, path, optional)
    if (bytes === undefined) return undefined
    if (!isUtf8(bytes)) {
      report(`${name}_FILE`, fileMessages.notUtf8(path))
      return undefined
    }
    const value = bytes.toString('utf8')
    if (value.trim() === '') report(`${name}_FILE`, fileMessages.empty(path, name))
    return value
  }
  const text = (name: string, options: ReadOptions = {}): string | undefined => {
    const value = raw(name, options)?.trim()
    if (!value) return undefined
    const problem =
      placeholderProblem(value) ??
      (options.secret ? undefined : variableProblem(value)) ??
      characterProblem(value) ??
      options.check?.(value)
    if (problem === undefined) return value
    report(name, problem)
    return undefined
  }
  const required = (name: string, example: string, options: ReadOptions = {}): string => {
    const before = problems.length
    const value = text(name, options)
    // Another problem already explains why there is no value.
    if (value === undefined && problems.length === before) report(name, valueMessages.missing(example))
    return value ?? ''
  }
  const readSecrets = (name: string, { optional }: { optional: boolean }): string[] => {
    const before = problems.length
    const value = raw(name, {})
    const list = splitList(value)
    if (problems.length > before) return list
    if (list.length === 0 && (value || !optional)) report(name, value ? secretMessages.empty : secretMessages.missing)
    const problem = list.map(secretProblem).find(Boolean)
    if (problem !== undefined) report(name, secretMessages.invalid(problem))
    else if (new Set(list).size < list.length) report(name, secretMessages.duplicate)
    return list
  }
  return {
    text,
    required,
    /** Warnings about the environment that do not prevent a start. */
    warnings: () => findMisspelledSettings(env, settings),
    /** Settings that are not set because their file does not exist. */
    absent: () => absent,
    host(name: string, fallback: string): string {
      return text(name, { check: hostProblem }) ?? fallback
    },
    address(name: string, example: string, check: (url: URL) => string | undefined): string {
      const value = required(name, example)
      if (value === '') return value
      const problem = addressProblem(value) ?? check(new URL(value))
      if (problem !== undefined) report(name, valueMessages.example(problem, example))
      return value
    },
    port(name: string, fallback: number): number {
      const value = text(name) ?? String(fallback)
      const number = Number(value)
      if (!/^[1-9]\d{0,4}$/.test(value) || number > 65535) report(name, valueMessages.port(fallback))
      return number
    },
    seconds(name: string, { fallback, min, max }: DurationOptions): number {
      const value = text(name)
      if (value === undefined) return fallback
      const match = /^(\d+(?:\.\d+)?)\s*(s|m|h)?$/.exec(value)
      const number = Number(match?.[1]) * ({ s: 1, m: 60, h: 3600 }[match?.[2] ?? 's'] ?? 1)
      const isLongEnough = min === undefined ? number > 0 : number >= min
      if (!match || !isLongEnough || number > max) {
        const range = min === undefined ? valueMessages.positive : valueMessages.atLeast(min)
        report(name, valueMessages.duration(range, formatDuration(max), formatDuration(fallback)))
      }
      return number
    },
    choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
      const value = text(name)
      if (value === undefined) return fallback
      const choice = choices.find((each) => each === value)
      if (!choice) report(name, valueMessages.oneOf(choices))
      return choice ?? fallback
    },
    /** Values separated by commas, without duplicates. */
    list(name: string, check: SettingCheck): string[] {
      const all = splitList(text(name))
      const invalid = all.find((item) => check(item) !== undefined)
      if (invalid !== undefined) report(name, valueMessages.listItem(check(invalid) ?? '', invalid.slice(0, 60)))
      return [...new Set(all)]
    },
    /** If the setting is invalid, the problem is reported and the list contains an empty text. */
    secrets(name: string): SecretList {
      const [first = '', ...others] = readSecrets(name, { optional: false })
      return [first, ...others]
    },
    /** Undefined if not set. A missing file is a problem instead: no other secret may silently be used. */
    optionalSecrets(name: string): SecretList | undefined {
      const [first, ...others] = readSecrets(name, { optional: true })
      return first === undefined ? undefined : [first, ...others]
    },
    /** `stdout`, `off`, or a file that can be written to. */
    log(name: string, fallback: string): string {
      const value = text(name) ?? fallback
      if (value === 'stdout' || value === 'off') return value
      try {
        closeSync(openSync(value, 'a'))
      } catch (error) {
        report(name, fileMessages.notWritable(value, (error as NodeJS.ErrnoException).code))
      }
      return value
    },
    /** The certificates in the file that the setting names. */
    certificates(name: string): string | undefined {
      settings.add(name)
      const path = env[name]?.trim()
      const pem = path ? content(name, path)?.toString('latin1') : undefined
      const problem = pem === undefined ? undefined : certificatesProblem(pem)
      if (problem !== undefined) report(name, `${path} ${problem}`)
      return pem
    },
  }
}

/** Expects a host name as the URL parser returns it. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
}

function splitList(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}

function addressProblem(value: string): string | undefined {
  const url = !/\s/.test(value) && URL.canParse(value) ? new URL(value) : undefined
  if (!url || !/^https?:\/\//i.test(value)) return addressMessages.notWeb
  if (url.username || url.password) return addressMessages.credentials
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) return addressMessages.https
  return hostNameProblem(url)
}

const secretProblem: SettingCheck = (secret) => {
  const problem = placeholderProblem(secret) ?? characterProblem(secret)
  if (problem !== undefined) return secretMessages.separator(problem)
  return Buffer.byteLength(secret) < 32 ? secretMessages.tooShort : undefined
}

function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds % 3600 === 0) return `${seconds / 3600}h`
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}
