import hljs from 'highlight.js/lib/core'
import bash from 'highlight.js/lib/languages/bash'
import ini from 'highlight.js/lib/languages/ini'
import javascript from 'highlight.js/lib/languages/javascript'
import json from 'highlight.js/lib/languages/json'
import python from 'highlight.js/lib/languages/python'

for (const [name, language] of Object.entries({ bash, ini, javascript, json, python }))
  hljs.registerLanguage(name, language)

interface Code {
  client: string
  label: string
  language: string
  code: string
  with_key?: string
  note?: string
  filename?: string
}

/** A snippet for a template: what is shown is highlighted HTML, whose text is exactly the code. */
export function codeView({ client, label, language, code, with_key, note = '', filename = '' }: Code) {
  const shown = with_key ?? code
  return {
    client,
    label,
    note,
    download: client === 'jupyter' ? filename : '',
    codeHtml: hljs.highlight(shown, {
      language: with_key !== undefined && client !== 'env' && client !== 'jupyter' ? 'bash' : language,
    }).value,
  }
}
