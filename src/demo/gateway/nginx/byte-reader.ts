import type { Socket } from 'node:net'

export type ByteReader = ReturnType<typeof createByteReader>

/** Reads the bytes of one connection in order. A caller waits until the requested number has arrived. */
export function createByteReader(socket: Socket) {
  let unread: Buffer = Buffer.alloc(0)
  const arrived: Buffer[] = []
  let closed = false
  let wake = () => {}
  const arrive = (chunk: Buffer) => {
    arrived.push(chunk)
    wake()
  }
  socket.on('data', arrive)
  for (const event of ['end', 'close'])
    socket.once(event, () => {
      closed = true
      wake()
    })

  return {
    /**
     * One line as latin1 text, without its line end. Undefined: the client closed the connection. A line longer than
     * `limit` bytes, its end included, is returned as far as it has arrived.
     */
    async line(limit: number): Promise<string | undefined> {
      let end = unread.indexOf('\n')
      while (end === -1 && unread.length <= limit) {
        const chunk = await next()
        if (!chunk) return undefined
        unread = Buffer.concat([unread, chunk])
        end = unread.indexOf('\n')
      }
      if (end === -1) return unread.toString('latin1')
      const line = unread.subarray(0, end + 1).toString('latin1')
      unread = unread.subarray(end + 1)
      return line.length > limit ? line : line.replace(/\r?\n$/, '')
    },

    /** Exactly `length` bytes. Undefined: the client closed the connection before. */
    async exactly(length: number): Promise<Buffer | undefined> {
      const chunks: Buffer[] = [unread]
      let total = unread.length
      while (total < length) {
        const chunk = await next()
        if (!chunk) return undefined
        chunks.push(chunk)
        total += chunk.length
      }
      const all = Buffer.concat(chunks)
      unread = all.subarray(length)
      return all.subarray(0, length)
    },

    /** Whatever else arrives is dropped. */
    discard(): void {
      socket.off('data', arrive)
      socket.resume()
    },
  }

  async function next(): Promise<Buffer | undefined> {
    while (arrived.length === 0 && !closed)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    return arrived.shift()
  }
}
