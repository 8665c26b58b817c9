import type { FastifyInstance, FastifyReply } from 'fastify'

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Sends the browser to an address of another origin, by a page that goes on by itself, without scripts too. Never a redirect:
     * browsers apply `form-action` of the page with the form to every redirect that follows (Chromium) or to the first (Firefox),
     * and the portal cannot know which other origins a provider redirects to.
     */
    leave(url: string, words: { title: string; lead: string }): Promise<FastifyReply>
  }
}

export function leaving(app: FastifyInstance): void {
  app.decorateReply('leave', function (this: FastifyReply, url: string, words: { title: string; lead: string }) {
    this.header('cache-control', 'no-store')
    return this.page('leaving/show', { ...words, refresh: url }, { layout: 'bare' })
  })
}
