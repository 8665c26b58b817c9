// Runs the test files that its parent sends, one after the other: starting a process and loading its modules takes longer than most
// unit tests. The parent is `runTogether` of run-tests.mjs.
import { pathToFileURL } from 'node:url'
import t from 'tap'

/** Of the file that runs. tap would run them after the last file, and accepts no test after it has begun to. */
const teardowns = []
t.teardown = (run) => void teardowns.unshift(run)

for (let file = await nextFile(); file; file = await nextFile()) await run(file)
process.disconnect()

function nextFile() {
  return new Promise((resolve) => {
    process.once('message', resolve)
    // tap lets a process end that only waits for a message.
    process.channel.ref()
    process.send('ready')
  })
}

async function run(file) {
  const before = t.counts.total
  let isLoaded = true
  try {
    await import(pathToFileURL(file).href)
  } catch (error) {
    isLoaded = false
    t.fail(`${file} cannot be loaded: ${error?.stack ?? error}`)
  }
  // This test waits in the queue behind those of the file.
  await t.test(file, async (own) => {
    for (const teardown of teardowns.splice(0)) await teardown()
    // A file without an assertion tests nothing.
    own.ok(!isLoaded || t.counts.total > before, 'the file has asserted something')
  })
}
