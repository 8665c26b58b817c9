import { request as httpRequest } from 'node:http'
import type { Sent } from './powershell.js'

/** A request to a model, from any client. */
export interface ModelRequest {
  method: string
  url: string
  /** By their names in lower case. */
  headers: Record<string, string>
  json?: unknown
  form?: { model: string | undefined; file: string | undefined }
  output?: string
}

/** The request that curl sends for these arguments; an argument that the portal does not write is an error. */
export function requestOfCurl(words: string[]): ModelRequest {
  const created: ModelRequest = { method: 'GET', url: '', headers: {} }
  const form: NonNullable<ModelRequest['form']> = { model: undefined, file: undefined }
  const queue = [...words]
  const next = () => queue.shift() ?? ''
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (['-sS', '--fail-with-body', '--globoff', '-N'].includes(word)) continue
    if (word === '-H') {
      const [, name = '', value = ''] = /^([^:]*): ?([\s\S]*)$/.exec(next()) ?? []
      created.headers[name.toLowerCase()] = value
    } else if (word === '-u') created.headers.authorization = `Basic ${Buffer.from(next()).toString('base64')}`
    else if (word === '-d') {
      const data = next()
      created.method = 'POST'
      if (data.startsWith('{')) created.json = JSON.parse(data)
    } else if (word === '-F') {
      created.method = 'POST'
      created.form = form
      form.file = /^file=@(.*)$/.exec(next())?.[1]
    } else if (word === '--form-string') form.model = next().replace(/^model=/, '')
    else if (word === '-o') created.output = next()
    else if (word === '--cacert') next()
    else if (/^https?:/.test(word) && created.url === '') created.url = word
    else throw new Error(`curl has no ${word}`)
  }
  return created
}

/** The same for a request of PowerShell. */
export function requestOfPowerShell({ method, url, headers, body }: Sent, files: string[]): ModelRequest {
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const created: ModelRequest = { method, url, headers: lower, ...(files[0] ? { output: files[0] } : {}) }
  const boundary = /^multipart\/form-data; boundary=(\w+)$/.exec(lower['content-type'] ?? '')?.[1]
  if (boundary === undefined)
    return body.toString().startsWith('{') ? { ...created, json: JSON.parse(body.toString()) } : created
  delete lower['content-type']
  const parts = body.toString('latin1').split(`--${boundary}`)
  if (parts.shift() !== '' || parts.pop() !== '--\r\n') throw new Error('the form does not end')
  const form: NonNullable<ModelRequest['form']> = { model: undefined, file: undefined }
  for (const part of parts) {
    const [, head = '', content = ''] = /^\r\n([\s\S]*?)\r\n\r\n([\s\S]*)\r\n$/.exec(part) ?? []
    const field = /name="(\w+)"(?:; filename="(.*)")?/.exec(head)
    if (field?.[1] === 'model') form.model = Buffer.from(content, 'latin1').toString('utf8')
    if (field?.[1] === 'file' && /^RIFF.{4}WAVE/s.test(content) && content.length === 4044) form.file = field[2]
  }
  return { ...created, form }
}

/** Sends it unchanged; rejects with the server's own message, as PowerShell shows it, if the status is not a success. */
export function sendOverHttp({ method, url, headers, body }: Sent): Promise<Buffer> {
  const { hostname, port, pathname, search } = new URL(url)
  return new Promise((resolve, reject) => {
    const sending = httpRequest({ hostname, port, method, path: pathname + search, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('end', () => {
        const complete = Buffer.concat(chunks)
        if ((answer.statusCode ?? 500) < 300) resolve(complete)
        else reject(new Error(`${answer.statusCode} ${complete.toString()}`))
      })
    })
    sending.once('error', reject)
    sending.end(body)
  })
}
