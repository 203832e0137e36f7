//go:build !linux

package pipe

import "errors"

func (e *end) introduce() {}

func (e *end) peerCred() (Cred, error) { return Cred{}, errors.ErrUnsupported }
