package render

import (
	"fmt"
	"strings"
)

// takeMedia chooses the pictures and videos that the network shows.
func (r *renderer) takeMedia(all []Media) {
	var pictures, videos, others int
	for _, m := range all {
		switch {
		case m.isVideo():
			videos++
		case m.isPicture():
			pictures++
		default:
			others++
		}
	}
	// Where they do not go together, a video wins.
	withoutPictures := !r.p.Mixed && videos > 0 && r.p.Videos > 0
	var shownPictures, shownVideos int
	for _, m := range all {
		switch {
		case m.isVideo() && shownVideos < r.p.Videos && (!r.p.Mixed || len(r.post.Media) < r.p.Pictures):
			shownVideos++
		case m.isPicture() && !withoutPictures && len(r.post.Media) < r.p.Pictures:
			shownPictures++
		default:
			continue
		}
		if m.Link != "" {
			m.Link = follow(r.tracked, m.Link)
		}
		r.post.Media = append(r.post.Media, m)
	}
	if lost := pictures - shownPictures; withoutPictures && lost > 0 {
		r.lose("%s not shown beside the video", some(lost, pictures, "picture"))
	} else {
		r.loseSome(lost, pictures, "picture")
	}
	r.loseSome(videos-shownVideos, videos, "video")
	r.loseSome(others, others, "file")
}

// crowded says whether pictures and videos take the attached link's place. Pictures
// that give way to the link are dropped.
func (r *renderer) crowded() bool {
	media := r.post.Media
	if len(media) == 0 {
		return false
	}
	video := false
	for _, m := range media {
		video = video || m.isVideo()
	}
	switch r.p.Beside {
	case OneOf:
		return true
	case Preview:
		return video || len(media) > 1
	case LinkFirst:
		if !video {
			r.lose("%s not shown beside the link", some(len(media), len(media), "picture"))
			r.post.Media = nil
		}
		return video
	}
	return false
}

// loseSome notes that some things are not shown.
func (r *renderer) loseSome(lost, all int, thing string) {
	if lost > 0 {
		r.lose("%s not shown", some(lost, all, thing))
	}
}

// some is how many of all things, with its verb: "the picture is", "2 of 6 pictures
// are".
func some(n, all int, thing string) string {
	switch {
	case all == 1:
		return "the " + thing + " is"
	case n == all:
		return "the " + thing + "s are"
	case n == 1:
		return fmt.Sprintf("1 of %d %ss is", all, thing)
	}
	return fmt.Sprintf("%d of %d %ss are", n, all, thing)
}

func (m Media) isPicture() bool { return strings.HasPrefix(m.Type, "image/") }

func (m Media) isVideo() bool { return strings.HasPrefix(m.Type, "video/") }
