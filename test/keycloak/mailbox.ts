import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Mailbox = Awaited<ReturnType<typeof startMailbox>>

/** Receives every e-mail that Keycloak sends (RFC 5321, the required commands) and stores it for the walk. */
export async function startMailbox() {
  const mails: { to: string; text: string }[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    receive(socket, mails)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()

  return {
    port: typeof address === 'object' && address ? address.port : 0,
    /** The first link in the first e-mail to that address, after it has arrived. */
    async linkFor(to: string): Promise<string> {
      for (let attempt = 0; attempt < 300; attempt++) {
        const mail = mails.find((candidate) => candidate.to === to)
        const link = mail && /https?:\/\/[^\s"<>]+/.exec(plain(mail.text))?.[0]
        if (link) return link.replace(/&amp;/g, '&')
        await sleep(100)
      }
      throw new Error(`no mail with a link came to ${to}`)
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function receive(socket: Socket, mails: { to: string; text: string }[]): void {
  let current = ''
  let to = ''
  let data: string[] | undefined
  socket.setEncoding('utf8')
  socket.write('220 walk ESMTP\r\n')
  socket.on('data', (chunk) => {
    const lines = (current + chunk).split('\r\n')
    current = lines.pop() ?? ''
    for (const line of lines) {
      if (data && line === '.') {
        mails.push({ to, text: data.join('\r\n') })
        data = undefined
        socket.write('250 kept\r\n')
      } else if (data) data.push(line.replace(/^\.\./, '.'))
      else if (/^RCPT TO:/i.test(line)) {
        to = /<([^>]*)>/.exec(line)?.[1] ?? ''
        socket.write('250 ok\r\n')
      } else if (/^DATA/i.test(line)) {
        data = []
        socket.write('354 go on\r\n')
      } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n')
      else socket.write('250 ok\r\n')
    }
  })
}

/** The parts of an e-mail (RFC 2046 section 5.1), each of which states its encoding. */
function plain(text: string): string {
  return text
    .split(/^--.*\r\n/m)
    .map(decoded)
    .join('')
}

/** Decodes quoted-printable (RFC 2045 section 6.7), which splits links; in a part without it, `=E5` in a link is literal. */
function decoded(text: string): string {
  if (!/^Content-Transfer-Encoding: quoted-printable/im.test(text)) return text
  return text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}
