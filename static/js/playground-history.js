const PREFIX = 'conversation:'

/** The conversation with these models, stored in this tab until it is restarted or closed, or the user signs out. */
export function conversationHistory(form) {
  // Another tab can have changed the user, and members of an account have the same applications.
  const user = document.querySelector('.user-menu').textContent.replace(/\s+/g, ' ').trim()
  const key = PREFIX + JSON.stringify([user, form.elements.application.value, form.elements.compare.value])
  return {
    /** Exchanges as the form sends them: a JSON array of { prompt, answers }. */
    read() {
      try {
        const turns = JSON.parse(sessionStorage.getItem(key) ?? '[]')
        return Array.isArray(turns) ? turns.filter(isTurn) : []
      } catch {
        return []
      }
    },
    write(turns) {
      try {
        sessionStorage.setItem(key, JSON.stringify(turns))
      } catch {
        // The storage is full or refused. The conversation then lasts as long as this page.
      }
    },
    clear: () => remove((name) => name === key),
  }
}

/** Removes all conversations of this tab. */
export function forgetConversations() {
  remove((name) => name.startsWith(PREFIX))
}

function remove(isRemoved) {
  try {
    for (const name of Object.keys(sessionStorage)) if (isRemoved(name)) sessionStorage.removeItem(name)
  } catch {
    // A browser that refuses storage has none to remove.
  }
}

function isTurn(turn) {
  return typeof turn?.prompt === 'string' && Array.isArray(turn.answers) && turn.answers.every(isText)
}

function isText(value) {
  return typeof value === 'string'
}
