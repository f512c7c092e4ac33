// Command go-sdk drives a registry through aws-sdk-go-v2, a statically typed SDK that reads every answer by the
// service model. It carries out one scenario and prints what it saw as JSON; the tests judge that.
//
//	go-sdk SCENARIO ENDPOINT REPOSITORY
//
// The repository exists and is empty. Keys and region are in the environment, as AWS has them.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go/middleware"
)

const (
	part         = 5 * 1024 * 1024
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

type scenario func(context.Context, *session) any

var scenarios = map[string]scenario{
	"errors":   typedErrors,
	"pages":    pages,
	"cancel":   cancelPart,
	"attempts": attempts,
	"image":    pushAndPull,
}

// session is a client and the repository that it works in.
type session struct {
	*ecr.Client
	endpoint   string
	repository *string
}

func main() {
	if len(os.Args) != 4 || scenarios[os.Args[1]] == nil {
		log.Fatal("usage: go-sdk SCENARIO ENDPOINT REPOSITORY")
	}
	s := &session{newClient(os.Args[2], nil), os.Args[2], aws.String(os.Args[3])}
	seen := scenarios[os.Args[1]](context.Background(), s)
	must(0, json.NewEncoder(os.Stdout).Encode(seen))
}

func newClient(endpoint string, transport aws.HTTPClient) *ecr.Client {
	return ecr.New(ecr.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
		HTTPClient: transport,
	})
}

// typedErrors provokes errors and reports the fields of each, as the SDK has them in its own types.
func typedErrors(ctx context.Context, s *session) any {
	seen := map[string]any{}

	_, err := s.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{"go/missing"}})
	seen["RepositoryNotFoundException"] = as[*types.RepositoryNotFoundException](err).Message
	_, err = s.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: s.repository})
	seen["RepositoryAlreadyExistsException"] = as[*types.RepositoryAlreadyExistsException](err).Message
	_, err = s.DescribeImages(ctx, &ecr.DescribeImagesInput{
		RepositoryName: s.repository, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("missing")}}})
	seen["ImageNotFoundException"] = as[*types.ImageNotFoundException](err).Message

	upload := must(s.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: s.repository})).UploadId
	must(s.upload(ctx, upload, 0, []byte("first")))
	_, err = s.upload(ctx, upload, 100, []byte("second"))
	refused := as[*types.InvalidLayerPartException](err)
	seen["InvalidLayerPartException"] = map[string]any{
		"sameUpload":            *refused.UploadId == *upload,
		"repositoryName":        refused.RepositoryName,
		"registryId":            refused.RegistryId,
		"lastValidByteReceived": refused.LastValidByteReceived,
	}
	_, err = s.upload(ctx, aws.String("00000000-0000-4000-8000-000000000000"), 0, []byte("lost"))
	seen["UploadNotFoundException"] = as[*types.UploadNotFoundException](err).Message

	layer := s.push(ctx, []byte("layer"))
	_, err = s.tryPush(ctx, []byte("layer"))
	seen["LayerAlreadyExistsException"] = as[*types.LayerAlreadyExistsException](err).Message
	manifest := manifestOf(s.push(ctx, []byte("{}")), layer, "")
	must(s.put(ctx, manifest, "v1"))
	_, err = s.put(ctx, manifest, "v1")
	seen["ImageAlreadyExistsException"] = as[*types.ImageAlreadyExistsException](err).Message
	_, err = s.put(ctx, manifestOf(layer, described([]byte("absent"), layerType), ""), "v2")
	seen["LayersNotFoundException"] = as[*types.LayersNotFoundException](err).Message
	_, err = s.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: s.repository, NextToken: aws.String("forged")})
	seen["InvalidParameterException"] = as[*types.InvalidParameterException](err).Message
	return seen
}

// pages puts 23 tags on one image and reads them in pages of seven, with the SDK's paginators.
func pages(ctx context.Context, s *session) any {
	for number := range 23 {
		config := s.push(ctx, fmt.Appendf(nil, `{"number": %d}`, number))
		must(s.put(ctx, manifestOf(config, config, ""), fmt.Sprintf("v%02d", number)))
	}
	var listed, details []string
	lists := ecr.NewListImagesPaginator(s, &ecr.ListImagesInput{RepositoryName: s.repository},
		func(options *ecr.ListImagesPaginatorOptions) { options.Limit = 7 })
	for lists.HasMorePages() {
		for _, id := range must(lists.NextPage(ctx)).ImageIds {
			listed = append(listed, *id.ImageTag)
		}
	}
	descriptions := ecr.NewDescribeImagesPaginator(s, &ecr.DescribeImagesInput{RepositoryName: s.repository},
		func(options *ecr.DescribeImagesPaginatorOptions) { options.Limit = 7 })
	for descriptions.HasMorePages() {
		for _, detail := range must(descriptions.NextPage(ctx)).ImageDetails {
			details = append(details, detail.ImageTags...)
		}
	}
	return map[string]any{"listed": listed, "described": details}
}

// cancelPart cancels the context of an UploadLayerPart in the middle of its body, and then goes on as if it had never
// been sent.
func cancelPart(ctx context.Context, s *session) any {
	data := make([]byte, 2*part)
	rand.New(rand.NewSource(1)).Read(data)
	upload := must(s.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: s.repository})).UploadId
	must(s.upload(ctx, upload, 0, data[:part]))

	cancelled, cancel := context.WithCancel(ctx)
	interrupted := &session{newClient(s.endpoint, &interrupter{after: part / 2, cancel: cancel}), s.endpoint, s.repository}
	_, err := interrupted.upload(cancelled, upload, part, data[part:])

	repeated := must(s.upload(ctx, upload, part, data[part:]))
	done := must(s.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{
		RepositoryName: s.repository, UploadId: upload, LayerDigests: []string{digest(data)}}))
	return map[string]any{
		"cancelled":        errors.Is(err, context.Canceled),
		"lastByteReceived": repeated.LastByteReceived,
		"sameDigest":       *done.LayerDigest == digest(data),
	}
}

// interrupter is a transport that cancels the request's context once so many bytes of its body are under way.
type interrupter struct {
	after  int
	cancel context.CancelFunc
}

func (i *interrupter) Do(request *http.Request) (*http.Response, error) {
	request.Body = &interruptedBody{request.Body, i}
	return http.DefaultClient.Do(request)
}

type interruptedBody struct {
	io.ReadCloser
	*interrupter
}

func (b *interruptedBody) Read(buffer []byte) (int, error) {
	read, err := b.ReadCloser.Read(buffer[:min(len(buffer), 64*1024)])
	if b.after -= read; b.after <= 0 {
		b.cancel()
	}
	return read, err
}

// attempts asks for 300 small and 100 large answers, and counts how often the SDK had to ask.
func attempts(ctx context.Context, s *session) any {
	config := s.push(ctx, []byte("{}"))
	must(s.put(ctx, manifestOf(config, config, strings.Repeat("x", 500_000)), "large"))
	var small, large int
	for range 300 {
		answer := must(s.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{
			RepositoryNames: []string{*s.repository}}))
		small += tries(answer.ResultMetadata)
	}
	for range 100 {
		answer := must(s.BatchGetImage(ctx, &ecr.BatchGetImageInput{
			RepositoryName: s.repository, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("large")}}}))
		large += tries(answer.ResultMetadata)
	}
	return map[string]any{"small": small, "large": large}
}

func tries(metadata middleware.Metadata) int {
	results, _ := retry.GetAttemptResults(metadata)
	return len(results.Results)
}

// pushAndPull pushes an image layer by layer and reads it back by tag, each layer from its download URL.
func pushAndPull(ctx context.Context, s *session) any {
	layer := make([]byte, 2*part+17)
	rand.New(rand.NewSource(2)).Read(layer)
	config := []byte(`{"architecture": "amd64", "os": "linux"}`)
	manifest := manifestOf(s.push(ctx, config), s.push(ctx, layer), "")
	must(s.put(ctx, manifest, "v1"))

	found := must(s.BatchGetImage(ctx, &ecr.BatchGetImageInput{
		RepositoryName: s.repository, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("v1")}}}))
	described := must(s.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: s.repository}))
	detail := described.ImageDetails[0]
	return map[string]any{
		"sameManifest": *found.Images[0].ImageManifest == manifest,
		"sameDigest":   *found.Images[0].ImageId.ImageDigest == digest([]byte(manifest)),
		"sameLayer":    digest(s.pull(ctx, digest(layer))) == digest(layer),
		"sameConfig":   bytes.Equal(s.pull(ctx, digest(config)), config),
		"size":         detail.ImageSizeInBytes,
		"expectedSize": len(layer) + len(config),
		"pushedAt":     detail.ImagePushedAt,
		"tags":         detail.ImageTags,
	}
}

func (s *session) upload(
	ctx context.Context, upload *string, first int, data []byte,
) (*ecr.UploadLayerPartOutput, error) {
	return s.UploadLayerPart(ctx, &ecr.UploadLayerPartInput{
		RepositoryName: s.repository,
		UploadId:       upload,
		PartFirstByte:  aws.Int64(int64(first)),
		PartLastByte:   aws.Int64(int64(first + len(data) - 1)),
		LayerPartBlob:  data,
	})
}

// descriptor is how a manifest names some bytes.
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

func described(data []byte, mediaType string) descriptor {
	return descriptor{mediaType, digest(data), len(data)}
}

func (s *session) push(ctx context.Context, data []byte) descriptor {
	return must(s.tryPush(ctx, data))
}

func (s *session) tryPush(ctx context.Context, data []byte) (descriptor, error) {
	upload := must(s.InitiateLayerUpload(ctx, &ecr.InitiateLayerUploadInput{RepositoryName: s.repository})).UploadId
	for first := 0; first < len(data); first += part {
		must(s.upload(ctx, upload, first, data[first:min(first+part, len(data))]))
	}
	_, err := s.CompleteLayerUpload(ctx, &ecr.CompleteLayerUploadInput{
		RepositoryName: s.repository, UploadId: upload, LayerDigests: []string{digest(data)}})
	return described(data, layerType), err
}

func (s *session) put(ctx context.Context, manifest, tag string) (*ecr.PutImageOutput, error) {
	return s.PutImage(ctx, &ecr.PutImageInput{
		RepositoryName: s.repository, ImageManifest: aws.String(manifest), ImageTag: aws.String(tag)})
}

func (s *session) pull(ctx context.Context, digest string) []byte {
	url := must(s.GetDownloadUrlForLayer(ctx, &ecr.GetDownloadUrlForLayerInput{
		RepositoryName: s.repository, LayerDigest: aws.String(digest)})).DownloadUrl
	answer := must(http.Get(*url))
	defer answer.Body.Close()
	return must(io.ReadAll(answer.Body))
}

func manifestOf(config, layer descriptor, note string) string {
	config.MediaType = configType
	return string(must(json.Marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     manifestType,
		"config":        config,
		"layers":        []descriptor{layer},
		"annotations":   map[string]string{"note": note},
	})))
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// as gives an error as the type that the SDK has for it.
func as[T error](err error) T {
	var typed T
	if !errors.As(err, &typed) {
		log.Fatalf("not a %T: %v", typed, err)
	}
	return typed
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
