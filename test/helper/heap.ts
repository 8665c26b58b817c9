import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'undici'

/**
 * The used heap of a process that runs with `--inspect=127.0.0.1:port`, in MB, directly after a garbage collection: what the process
 * still references, regardless of the load and of the schedule of the collector.
 */
export async function heldMb(port: number): Promise<number> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string
  }[]
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  const waiting = new Map<number, (result: { usedSize?: number }) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: object }
    if (id !== undefined) waiting.get(id)?.(result)
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  let count = 0
  const call = (method: string) =>
    new Promise<{ usedSize?: number }>((resolve) => {
      waiting.set(++count, resolve)
      socket.send(JSON.stringify({ id: count, method }))
    })
  // Objects of the last request are released in the following turns of the event loop.
  for (let turn = 0; turn < 3; turn++) {
    await call('HeapProfiler.collectGarbage')
    await sleep(100)
  }
  const { usedSize = Number.NaN } = await call('Runtime.getHeapUsage')
  socket.close()
  return usedSize / 1e6
}
