import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nameOf, type Photo, variants } from './camera.js'

/** Writes a page with all pictures: page, state, and the variants next to each other. */
export function writeGallery(folder: string, photos: Photo[]): void {
  writeFileSync(join(folder, 'index.html'), galleryPage(photos))
}

export function galleryPage(photos: Photo[]): string {
  const firsts = photos.filter(({ shot }, index) => shot.page !== photos[index - 1]?.shot.page)
  const menu = firsts.map(({ shot }) => `<a href="#${nameOf(shot)}">${escapeHtml(shot.page)}</a>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Screenshots</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 0; display: grid; grid-template-columns: 13rem minmax(0, 1fr); font: 14px/1.5 system-ui, sans-serif; }
  nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; display: grid; align-content: start; gap: .25rem; box-sizing: border-box; }
  main { padding: 0 1rem 4rem; }
  section { scroll-margin-top: 1rem; padding-top: 1rem; }
  .variants { display: grid; grid-template-columns: 3.3fr 3.3fr 1fr 1fr; gap: .75rem; align-items: start; }
  img { width: 100%; height: 32rem; object-fit: cover; object-position: top; border: 1px solid #8888; }
  .problem { color: #c9190b; font-weight: 600; }
  code { opacity: .7; }
</style>
<nav>${menu.join('\n')}</nav>
<main>
${photos.map(section).join('\n')}
</main>
</html>
`
}

function section({ shot, files, problems }: Photo): string {
  const pictures = files.map((file, index) => {
    const address = escapeHtml(encodeURI(file.replaceAll('\\', '/')))
    return `<a href="${address}"><img loading="lazy" src="${address}" alt="${variants[index]?.name}"></a>`
  })
  return `<section id="${nameOf(shot)}">
<h2>${escapeHtml(shot.page)} · ${escapeHtml(shot.state)} <code>${escapeHtml(shot.route)}</code></h2>
${problems.map((problem) => `<p class="problem">${escapeHtml(problem)}</p>`).join('\n')}
<div class="variants">${pictures.join('\n')}</div>
</section>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
