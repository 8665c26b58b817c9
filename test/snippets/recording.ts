import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../src/root.js'
import type { Cell } from './matrix.js'

/** Requests of real packages that cannot be installed everywhere; written by record.ts, never by hand. */
export interface Recording {
  /** how it was made */
  command: string
  python: string
  packages: { name: string; version: string; file: string; sha256: string }[]
  /** bodies in base64, each once */
  bodies: string[]
  headers: Record<string, string>[]
  /** by client and digest of the code: what was sent, in order */
  texts: Record<string, { method: string; url: string; headers: number; body: number }[]>
}

export const recordingFile = join(projectRoot, 'test/snippets/recording.json')

export const readRecording = (): Recording => JSON.parse(readFileSync(recordingFile, 'utf8')) as Recording

/** The same text has the same name in every run: ports of the demo are no part of it, nor what a notebook derives of them. */
export function nameOf(client: string, code: string, cell: Cell): string {
  const text = code
    .replaceAll(cell.model.endpoint, '{endpoint}')
    .replaceAll(identityOf(cell), '{identity}')
    .replace(/"id": "cell-[0-9a-f]+"/g, '')
  return `${client} ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

export function identityOf({ application }: Cell): string {
  const { token_url } = application.credentials
  return token_url ? new URL(token_url).origin : '{none}'
}

/** Addresses and secrets of one run, each with the word that stands for it in the recording. */
export function standInsOf(cell: Cell): [value: string, word: string][] {
  const { user_key, app_id, app_keys, client_id, client_secret } = cell.application.credentials
  const pair = (one: string, other: string, word: string): [string, string] => [btoa(`${one}:${other}`), word]
  return [
    [cell.model.endpoint, '{endpoint}'],
    [identityOf(cell), '{identity}'],
    ...(app_id && app_keys?.[0] ? [pair(app_id, app_keys[0], '{basic}')] : []),
    ...(client_id && client_secret ? [pair(client_id, client_secret, '{basic}')] : []),
    ...([user_key, app_keys?.[0], app_id, client_secret, client_id]
      .map((value, index) => [value, `{secret-${index}}`])
      .filter(([value]) => value) as [string, string][]),
  ]
}

/** Sends what was recorded, with the addresses and secrets of this cell; the last answer. */
export async function replay({ texts, headers, bodies }: Recording, name: string, cell: Cell) {
  const standIns = standInsOf(cell)
  let token = ''
  const put = (text: string) =>
    standIns.reduce((done, [value, word]) => done.replaceAll(word, value), text).replaceAll('{token}', token)
  let last = { status: 0, text: 'nothing of this text is recorded' }
  for (const request of texts[name] ?? []) {
    const sent = Object.entries(headers[request.headers] ?? {}).map(([header, value]) => [header, put(value)])
    const body = Buffer.from(bodies[request.body] ?? '', 'base64')
    const answer = await fetch(put(request.url), {
      method: request.method,
      headers: Object.fromEntries(sent) as Record<string, string>,
      ...(body.length > 0 ? { body } : {}),
    })
    last = { status: answer.status, text: await answer.text() }
    if (!answer.ok) return last
    if (request.url.startsWith('{identity}')) token = (JSON.parse(last.text) as { access_token: string }).access_token
  }
  return last
}
