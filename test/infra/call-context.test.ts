import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { detachDeadline, pauseDeadline, remainingMs, runWithDeadline } from '../../src/infra/call-context.js'

t.test('work for a waiting caller has a deadline, other work does not', async (t) => {
  t.equal(remainingMs(), Number.POSITIVE_INFINITY)
  await runWithDeadline(1000, async (over) => {
    await sleep(20)
    t.ok(remainingMs() > 0 && remainingMs() < 1000, `${remainingMs()}`)
    t.equal(await detachDeadline(async () => remainingMs()), Number.POSITIVE_INFINITY, 'work that outlives its caller')
    const left = remainingMs()
    await pauseDeadline(() => sleep(50))
    t.ok(remainingMs() > left - 40, 'a call with its own time does not use the deadline')
    over()
  })
  t.equal(await detachDeadline(async () => remainingMs()), Number.POSITIVE_INFINITY)
})

t.test('the deadline of one caller does not apply to another', async (t) => {
  const ends: (() => void)[] = []
  function wait(ms: number): Promise<number> {
    return runWithDeadline(ms, async (over) => {
      ends.push(over)
      await sleep(30)
      return remainingMs()
    })
  }
  const [removed, stays] = [wait(1000), wait(2000)]
  ends[0]?.()
  t.equal(await removed, Number.POSITIVE_INFINITY, 'a caller that has disconnected')
  const left = await stays
  t.ok(left > 1000 && left < 2000, `${left}`)
  ends[1]?.()
})

t.test('work without a waiting caller has no deadline, and the next caller sets one again', async (t) => {
  const late = runWithDeadline(1000, async (over) => {
    over()
    await sleep(30)
    return remainingMs()
  })
  t.equal(await late, Number.POSITIVE_INFINITY)
  await runWithDeadline(1000, async (over) => {
    await sleep(5)
    t.ok(remainingMs() > 0 && remainingMs() < 1000, `${remainingMs()}`)
    over()
  })
})
