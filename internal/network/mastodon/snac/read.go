package snac

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"herald.example/internal/network/contract"
)

// followTime is how long two servers may take to agree.
const followTime = 30 * time.Second

// Read returns a post as a stranger sees it, who opens its page in a browser.
func (s *Server) Read(t *testing.T, at string) contract.Seen {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page(t, at)))
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	posts := withClass(root, "e-content")
	if len(posts) != 1 {
		t.Fatalf("%s: got %d posts on the page; want 1", at, len(posts))
	}
	return seen(posts[0])
}

// Count is the number of posts on the user's public page, which shows fifty.
func (s *Server) Count(t *testing.T) int {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page(t, s.URL+"/"+s.Name)))
	if err != nil {
		t.Fatalf("page of %s: %v", s.Name, err)
	}
	return len(withClass(root, "e-content"))
}

// Home returns the user's timeline: their own posts, and those of whom they
// follow.
func (s *Server) Home(t *testing.T) []contract.Seen {
	t.Helper()
	var statuses []struct {
		Content string `json:"content"`
	}
	s.api(t, "/api/v1/timelines/home?limit=40", &statuses)
	posts := make([]contract.Seen, len(statuses))
	for i, status := range statuses {
		root, err := html.Parse(strings.NewReader(status.Content))
		if err != nil {
			t.Fatalf("home of %s: %v", s.Name, err)
		}
		posts[i] = seen(root)
	}
	return posts
}

// Follow lets the user follow another server's user, and waits until that server
// knows of it.
func (s *Server) Follow(t *testing.T, other *Server) {
	t.Helper()
	s.run(t, "", "follow", s.dir, s.Name, other.URL+"/"+other.Name)
	Await(t, followTime, other.Name+" has a follower", func() bool {
		return strings.Contains(other.log.String(), "new follower")
	})
}

// withClass returns the outermost elements of a class.
func withClass(n *html.Node, class string) []*html.Node {
	for _, a := range n.Attr {
		if a.Key == "class" && strings.Contains(" "+a.Val+" ", " "+class+" ") {
			return []*html.Node{n}
		}
	}
	var found []*html.Node
	for child := range n.ChildNodes() {
		found = append(found, withClass(child, class)...)
	}
	return found
}

// seen is what people see of a post's HTML.
func seen(root *html.Node) contract.Seen {
	var s contract.Seen
	var text strings.Builder
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode:
			text.WriteString(n.Data)
		case n.DataAtom == atom.Br || n.DataAtom == atom.P:
			text.WriteByte('\n')
		case n.DataAtom == atom.A:
			for _, a := range n.Attr {
				if a.Key == "href" {
					s.URLs = append(s.URLs, a.Val)
				}
			}
		case n.DataAtom == atom.Img:
			s.Pictures++
		}
	}
	s.Text = strings.TrimSpace(text.String())
	return s
}
