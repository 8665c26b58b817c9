/** The client whose code somebody looks at is kept in this browser and shown first on the next page. */
export function rememberClient() {
  const picker = document.querySelector('[data-code-picker]')
  if (!picker) return
  const kept = read()
  const radio = kept && picker.querySelector(`input[name=client][value="${CSS.escape(kept)}"]`)
  if (radio) radio.checked = true
  picker.addEventListener('change', (event) => write(event.target.value))
}

function read() {
  try {
    return localStorage.getItem('client')
  } catch {
    return null
  }
}

function write(client) {
  try {
    localStorage.setItem('client', client)
  } catch {
    // private windows may refuse; the choice then lasts for this page
  }
}
