/** Copy gives the code as shown; Copy with key asks the portal for the same code with the key in it. */
export function copyButtons() {
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', () => copy(button, () => textOf(button.dataset.copy)))
  }
  for (const button of document.querySelectorAll('[data-copy-with-key]')) {
    button.hidden = false
    button.addEventListener('click', () => copy(button, () => withKey(button)))
  }
}

function textOf(client) {
  return document.querySelector(`code[data-client="${CSS.escape(client)}"]`).textContent
}

async function withKey(button) {
  const answer = await fetch(button.dataset.reveal, { method: 'POST', headers: { accept: 'application/json' } })
  if (!answer.ok) throw new Error(`the portal answered ${answer.status}`)
  const { snippets } = await answer.json()
  return snippets.find(({ client }) => client === button.dataset.copyWithKey).with_key
}

/** Copies what `read` returns and says so on the button for two seconds. */
export async function copy(button, read) {
  button.dataset.label ??= button.textContent
  try {
    await navigator.clipboard.writeText(await read())
    button.textContent = 'Copied'
  } catch {
    button.textContent = 'Could not copy'
  }
  button.setAttribute('aria-live', 'polite')
  setTimeout(() => {
    button.textContent = button.dataset.label
  }, 2000)
}
